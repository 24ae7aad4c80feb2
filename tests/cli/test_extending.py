"""Every example of docs/extending.md, typed in as a reader would."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l4f_bench.datasets.shapes import shapes_batch
from tests.cli.conftest import Run
from tests.plugins import offer

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text(encoding="utf-8")
SECTIONS = dict(section.split("\n", 1) for section in PAGE.split("\n## ")[1:])


def blocks(language: str, text: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the reader works in: every module of the page, and the package installed."""
    points = []
    for table in blocks("toml", PAGE):
        header, *lines = table.splitlines()
        group = re.fullmatch(r'\[project\.entry-points\."(.+)"\]', header)
        assert group is not None, header
        points += [f"[{group[1]}]", *(line.replace('"', "") for line in lines)]
    modules = {}
    for source in blocks("python", PAGE):
        name = re.match(r"# (\w+)\.py\n", source)
        assert name is not None, source
        modules[name[1]] = source
    monkeypatch.syspath_prepend(offer(tmp_path, "page", "\n".join(points), **modules))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def follow(run: Run, section: str) -> list[dict[str, Any]]:
    """Run the commands of a section; returns the records that they wrote, in order of method."""
    commands = [line for block in blocks("sh", SECTIONS[section]) for line in block.splitlines()]
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "l4f-bench"
        result = run(*arguments)
        assert result.exit_code == 0, f"{command}: {result.stderr}"
    records = [json.loads(path.read_text()) for path in sorted(Path("runs").rglob("record.json"))]
    return sorted(records, key=lambda record: record["method"])


def test_every_kind_of_addition_has_a_module_an_entry_point_and_commands() -> None:
    kinds = ["Image method", "Generative method", "Annotator", "Data set", "Protocol", "Trainer"]
    assert list(SECTIONS) == kinds
    for text in SECTIONS.values():
        assert all(blocks(language, text) for language in ("python", "toml", "sh"))


def test_an_image_method_is_the_same_as_a_file_and_from_a_package(run: Run, typed: Path) -> None:
    package, file = follow(run, "Image method")
    assert (package["method"], file["method"]) == ("warm", "warm_method")
    assert package["method_title"] == file["method_title"] == "Warm colours"
    assert package["scores"] == file["scores"]
    assert set(file["digests"]) == {"method"}
    assert len(list((typed / "warm-masks").iterdir())) == 20


def test_a_generative_method_needs_images_and_alpha_only(run: Run, typed: Path) -> None:
    records = follow(run, "Generative method")
    (discs,) = [record for record in records if record["method"] == "discs"]
    assert (discs["setting"], discs["n"]) == ("samples", 3)
    kinds = {path.name for path in (typed / "discs").iterdir() if path.is_dir()}
    assert kinds == {"images", "alpha", "masks"}


def test_an_annotator_judges_samples_and_is_scored_itself(run: Run, typed: Path) -> None:
    found = [(r["method"], r["truth"], r["n"]) for r in follow(run, "Annotator")]
    assert sorted(found) == [("bright", "exact", 3), ("bright", "exact", 20), ("ours", "bright", 3)]


def test_a_data_set_is_scored_against_its_own_masks(run: Run, typed: Path) -> None:
    (record,) = follow(run, "Data set")
    assert (record["dataset_title"], record["truth"], record["n"]) == ("Rings", "exact", 20)
    assert record["scores"]["miou"]["value"] == 1  # its rings are the only warm pixels


def test_a_protocol_stands_in_the_record(run: Run, typed: Path) -> None:
    (record,) = follow(run, "Protocol")
    assert record["protocol"]["name"] == "strict"
    assert record["protocol"]["empty"] == {"iou": 0.0, "ratio": 0.0}
    per_image = [record["scores"][key]["value"] for key in ("iou_fg", "iou_bg")]
    assert record["scores"]["miou"]["value"] == pytest.approx(np.mean(per_image))


def test_a_trainer_is_resumed_to_the_mean_of_all_steps(run: Run, typed: Path) -> None:
    follow(run, "Trainer")
    _, masks = shapes_batch(range(8 * 16), resolution=64, seed=1)
    np.testing.assert_allclose(np.load(typed / "mean-run" / "mean.npy"), masks.mean(0), atol=1e-6)
