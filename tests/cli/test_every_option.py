"""Every option of every command, with values that nobody can have meant: one line or none."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image
from typer.testing import CliRunner, Result

from l4f_bench import assets
from l4f_bench.cli import app
from tests.cli.conftest import save_masks, some_masks

ROOT = Path(__file__).parents[2]
ANNOTATOR = str(Path(assets.__file__).parent / "shapes" / "annotator.safetensors")
GENERATOR = str(Path(ANNOTATOR).with_name("generator.safetensors"))
RECORDS = str(ROOT / "reports" / "custom" / "level-255" / "car")
# What makes each command do little where a value happens to be fit.
ARGUMENTS = {
    "score": ["preds", "truth"],
    "report": [RECORDS],
    "audit": ["table.csv"],
    "reproduce": ["--dry-run", "--no-probe", "--table", "3"],
    "merge": [RECORDS],
    "fid": ["images", "images", "--allow-small-n"],
    "sample": ["-n", "1"],
    "synthesize": ["-n", "1"],
    "edit fit": [],
    "edit apply": ["-n", "1"],
    "edit measure": ["-n", "2"],
    "project": ["images", "--generator", GENERATOR],
    "annotate": ["images", "--weights", ANNOTATOR],
    "check-method": [str(ROOT / "examples" / "otsu_method.py")],
    "train": ["--steps", "1"],
    "analyze layers": ["--samples", "2", "--draws", "1"],
    "analyze background": ["--samples", "2"],
    "curves": ["file.txt"],
    "convert": [ANNOTATOR, "converted.safetensors"],
    "inspect": [ANNOTATOR],
    "fetch": ["--list"],
    "doctor": [],
    "list": ["methods"],
    "eval samples": ["--samples", "1"],
    "eval images": ["--method", "centre-disc", "--limit", "1"],
    "eval trust": ["--samples", "1"],
    "eval quality": ["--samples", "2"],
}
NUM_PAIRS = 40
"""Most pairs of one command."""
FIT = "1"
"""A value that most numbers may have, so that the other option of a pair is reached."""
NUMBERS = ["", "-1", "0", "99999999999999999999", "1e400", "nan", "x"]
OTHERS = ["", "missing/x", "images", "file.txt", "/dev/null/x", "a" * 300, "\x1b[31m", "nan"]


def commands() -> Iterator[tuple[str, Any]]:
    root: Any = typer.main.get_command(app)
    for name, command in root.commands.items():
        if not hasattr(command, "commands"):
            yield name, command
            continue
        command.list_commands(None)
        for setting, own in command.commands.items():
            yield f"{name} {setting}", own


def options() -> list[tuple[str, str, list[str]]]:
    """Command, option and unlucky values."""
    found = []
    for name, command in commands():
        for parameter in command.params:
            if parameter.param_type_name != "option" or parameter.is_flag:
                continue
            # Versions of typer agree only on what the help says of a value.
            value = parameter.get_help_record(typer.Context(command))[0].lower().split()[-1]
            is_number = "int" in value or "float" in value
            flag = max(parameter.opts, key=len)
            found.append((name, flag, NUMBERS if is_number else OTHERS))
    return found


def flags() -> list[tuple[str, str]]:
    """Command and flag, those that turn something off among them."""
    return [
        (name, flag)
        for name, command in commands()
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.is_flag
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--")
    ]


def pairs(name: str) -> list[list[str]]:
    """Some pairs of a command's options, each with one of its values, and flags."""
    rng = random.Random(name)
    alone = [[flag] for of, flag in flags() if of == name]
    alone += [[flag, rng.choice([*values, FIT])] for of, flag, values in options() if of == name]
    both = list(itertools.combinations(alone, 2))
    return [[*one, *two] for one, two in rng.sample(both, min(NUM_PAIRS, len(both)))]


def test_every_command_is_walked() -> None:
    assert {name for name, _ in commands()} == set(ARGUMENTS)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go where small inputs are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.compile", lambda module, **_: module)  # takes minutes
    preds, target = some_masks(2)
    save_masks(Path("preds"), preds)
    save_masks(Path("truth"), target)
    Path("images").mkdir()
    rng = np.random.default_rng(0)
    for index in range(2):
        image = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(image).save(f"images/{index}.png")
    Path("file.txt").write_text("file")
    Path("table.csv").write_text("iou_fg,iou_bg,miou\n0.80,0.90,0.85\n")


def result_of(name: str, *given: str) -> Result:
    """What a command says to options: anything, but in one line and without a traceback."""
    result = CliRunner().invoke(app, [*name.split(), *ARGUMENTS[name], *given])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise AssertionError(f"{name} {given}: {result.exception!r}") from result.exception
    assert result.exit_code in range(5), (given, result.output)
    assert "\x1b[31m" not in result.stderr, given
    said = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    of_typer = "Usage: " in result.stderr
    assert len(said) == (result.exit_code != 0 and not of_typer), (given, result.stderr)
    return result


@pytest.mark.slow
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("name", "flag", "values"), options(), ids=[f"{name} {flag}" for name, flag, _ in options()]
)
def test_a_value_that_nobody_meant_is_no_traceback(name: str, flag: str, values: list[str]) -> None:
    for value in values:
        result = result_of(name, flag, value)
        if value == "" and values is NUMBERS:
            assert result.exit_code == 2, result.output


@pytest.mark.slow
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(("name", "flag"), flags(), ids=[" ".join(one) for one in flags()])
def test_a_flag_alone_is_no_traceback(name: str, flag: str) -> None:
    result_of(name, flag)


@pytest.mark.slow
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("name", ARGUMENTS)
def test_two_options_together_are_no_traceback(name: str) -> None:
    for given in pairs(name):
        result_of(name, *given)
