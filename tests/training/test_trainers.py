"""Every trainer, ours and other packages', by being registered."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.registry import load_object
from l4f_bench.training.grids import is_grid
from l4f_bench.training.jobs import TrainRequest, build_job
from l4f_bench.training.trainers import OPTIONS, TRAINERS, TrainerSpec


@pytest.mark.parametrize("name", TRAINERS.names())
def test_a_trainer_builds_its_smallest_preset_and_does_a_step(name: str) -> None:
    spec = TRAINERS.get(name)
    assert spec.title
    job = build_job(TrainRequest(method=name, preset="debug", device="cpu"), print)
    if spec.presets is not None:
        preset = load_object(spec.presets, "presets").choose("shapes", "debug")
        assert job.num_steps == preset.num_steps
    assert job.identity["method"] == name
    figures = job.trainer.step(0)
    assert figures
    assert all(math.isfinite(value) for value in figures.values())
    grid = job.trainer.grid()
    assert is_grid(grid)


@pytest.mark.parametrize("name", TRAINERS.names())
def test_a_number_of_steps_takes_the_place_of_the_usual_one(name: str) -> None:
    request = TrainRequest(method=name, preset="debug", device="cpu", num_steps=3)
    assert build_job(request, print).num_steps == 3


def test_a_spec_of_unknown_options_is_refused() -> None:
    with pytest.raises(ValueError, match="'x' takes unknown options"):
        TrainerSpec(name="x", title="x", build="x:x", takes=("images",))


MODULE = """
from l4f_bench.training.grids import is_grid
from l4f_bench.training.jobs import Job
from l4f_bench.training.trainers import TrainerSpec


class Trainer:
    batch_size = 1

    def __init__(self, request):
        self.request = request


def build(request, warn):
    warn("a stranger")
    return Job(Trainer(request), {"method": request.method}, request.steps(5))


SPEC = TrainerSpec(name="discs", title="discs", build="discs_trainer:build", takes=("alpha",))
NOTHING = 1
"""


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """A folder to import from, in which a package offers trainers."""
    about = tmp_path / "discs-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: discs\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[l4f_bench.trainers]\n"
        "discs = discs_trainer:SPEC\n"
        "plain-discs = discs_trainer:build\n"
        "no-discs = discs_trainer:NOTHING\n"
        "lost-discs = discs_absent:SPEC\n"
    )
    (tmp_path / "discs_trainer.py").write_text(MODULE)
    return tmp_path


def test_another_package_offers_a_spec_or_a_function(
    stranger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(stranger)
    warnings: list[str] = []
    request = TrainRequest(method="discs", alpha=Path("alpha.pt"))
    job = build_job(request, warnings.append)
    assert (job.num_steps, job.identity, warnings) == (5, {"method": "discs"}, ["a stranger"])
    with pytest.raises(InputError, match="discs does not use --compile"):
        build_job(replace(request, compile=True), print)
    plain = TrainRequest(
        method="plain-discs", data=Path("x"), alpha=Path("alpha.pt"), strict=True, num_steps=2
    )
    assert build_job(plain, warnings.append).num_steps == 2
    with pytest.raises(InputError, match="names discs_trainer:NOTHING"):
        TRAINERS.get("no-discs")
    with pytest.raises(MissingDependencyError, match="discs_absent"):
        TRAINERS.get("lost-discs")


def test_listing_trainers_imports_neither_torch_nor_what_they_stand_for(stranger: Path) -> None:
    code = (
        "import sys\n"
        "from l4f_bench.training.trainers import TRAINERS\n"
        "print(*TRAINERS.names())\n"
        "print(*(spec.title for spec in map(TRAINERS.get, ('ours', 'bisenet'))))\n"
        "loaded = {'torch', 'baselines', 'discs_trainer'} & sys.modules.keys()\n"
        "sys.exit(f'imported: {loaded}' if loaded else 0)\n"
    )
    path = os.pathsep.join(filter(None, (str(stranger), os.environ.get("PYTHONPATH"))))
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert result.returncode == 0, result.stderr
    names = result.stdout.splitlines()[0].split()
    segmentation = ["bisenet", "ours-bisenet", "unet", "ours-unet"]
    assert names[:6] == ["ours", "stylegan2", *segmentation]
    assert {"discs", "lost-discs", "no-discs", "plain-discs"} <= set(names)


GIVEN = {
    "data": ["folder"],
    "strict": [],
    "generator": ["g.pt"],
    "alpha": ["a.pt"],
    "compile": [],
    "levels": ["3"],
    "pairs": ["folder"],
}


def test_there_is_an_option_of_every_name() -> None:
    assert GIVEN.keys() == set(OPTIONS)


@pytest.mark.parametrize(
    ("method", "option"),
    [(spec.name, option) for spec in TRAINERS for option in OPTIONS if option not in spec.takes],
)
def test_an_option_that_would_be_ignored_is_refused(
    method: str, option: str, tmp_path: Path
) -> None:
    train = ["train", "--method", method, "--preset", "debug", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, [*train, f"--{option}", *GIVEN[option]])
    assert result.exit_code == 2
    assert result.stderr == f"Error: {method} does not use --{option}. Leave it out.\n"
    assert not (tmp_path / "run").exists()
