"""PSeg on two processes, through torchrun as a user starts it."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from l4f_bench.training.trainers import TRAINERS
from l4f_bench_baselines.pseg.checkpoint import read_pseg
from tests.launching import launch


@pytest.mark.slow
def test_two_processes_share_a_batch(tmp_path: Path) -> None:
    if "pseg" not in TRAINERS:
        pytest.skip("install the package anew: its entry points are missing")
    result = launch(
        2, "train", "--method", "pseg", "--preset", "debug", "--device", "cpu", "--steps", 7,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("safetensors") == 1  # the first process alone speaks
    log = [json.loads(line) for line in (tmp_path / "run/log.jsonl").read_text().splitlines()]
    assert all(math.isfinite(value) for line in log for value in line.values())
    assert log[-1]["images"] == 48  # five batches of 8 and two of 4, over both
    assert read_pseg(tmp_path / "run/pseg.safetensors").resolution == 16


@pytest.mark.slow
def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    if "pseg" not in TRAINERS:
        pytest.skip("install the package anew: its entry points are missing")
    result = launch(
        2, "train", "--method", "pseg", "--preset", "debug", "--set", "batch_sizes=8,3",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 1  # torchrun's own
    assert "Give multiples of 2" in result.stderr
