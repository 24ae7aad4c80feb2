"""PSeg through the commands, found by its entry points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from l4f_bench.cli import app
from l4f_bench.training.trainers import TRAINERS
from tests.baselines.networks import save_public, small_pseg

if "pseg" not in TRAINERS:
    pytest.skip("install the package anew: its entry points are missing", allow_module_level=True)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_training_ends_with_a_file_that_eval_scores(tmp_path: Path) -> None:
    train = ["train", "--method", "pseg", "--preset", "debug", "--resolution", 64]
    result = run(*train, "--device", "cpu", "--out", tmp_path / "run")
    assert result.exit_code == 0, result.output
    path = tmp_path / "run" / "pseg.safetensors"
    assert result.stdout == f"{path}\n"
    evaluate = ["eval", "--method", "pseg", "--dataset", "shapes"]
    options = ["--samples", 2, "--max-drawn", 4, "--truncation", 1, "--device", "cpu"]
    result = run(*evaluate, *options, "--generator", path, "--out", tmp_path / "record")
    # Twelve steps may paint nothing that the annotator accepts, which is a result as well.
    assert result.exit_code == 0 or "No sample was accepted" in result.output
    (record,) = [json.loads(p.read_text()) for p in (tmp_path / "record").rglob("record.json")
                 if json.loads(p.read_text())["setting"] == "samples"]  # fmt: skip
    assert record["method"] == "pseg"
    assert record["drawn"] > 0
    assert len(record["digests"]["generator"]) == 64


def test_another_file_is_one_line_with_exit_code_2(tmp_path: Path) -> None:
    path = save_public(tmp_path / "odd.model", small_pseg(), step=7)
    evaluate = ["eval", "--method", "pseg", "--dataset", "shapes"]
    result = run(*evaluate, "--generator", path, "--out", tmp_path / "record")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "level 7 of a generator that has 3" in result.stderr
