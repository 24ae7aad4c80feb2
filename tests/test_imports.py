"""A machine that only scores masks and draws tables loads no network, nor what networks need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "l4f_bench" / "assets" / "example"
HEAVY = {"torch", "torchmetrics", "torchvision", "scipy", "pytorch_fid", "matplotlib"}
COSTLY = {"numpy", "pandas"}
MODULES = (
    "cli",
    "evaluation.scoring",
    "metrics.intervals",
    "metrics.protocols",
    "metrics.frechet",
    "metrics.kernel_distance",
    "metrics.precision_recall",
    "metrics.thresholds",
    "reporting.report",
)


def loaded_by(code: str, *arguments: str, packages: set[str] = HEAVY) -> set[str]:
    """Those of some packages that are loaded when a program ends well."""
    ending = "import atexit, sys; atexit.register(lambda: print(chr(10), *sys.modules));"
    command = [sys.executable, "-c", ending + code, *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return packages & set(ran.stdout.splitlines()[-1].split())


def test_the_probe_sees_what_is_loaded() -> None:
    assert "torch" in loaded_by("import torch")


@pytest.mark.parametrize("module", MODULES)
def test_modules_that_score_and_report_load_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import l4f_bench.{module}") == set()


def test_the_command_line_starts_without_arrays_and_tables() -> None:
    assert loaded_by("import l4f_bench.cli", packages=COSTLY) == set()


def test_commands_that_score_and_report_load_nothing_heavy(tmp_path: Path) -> None:
    run = "from l4f_bench.cli import app; app()"
    tables = ("report", str(ROOT / "reports" / "shapes" / "records"), "--out", str(tmp_path))
    for arguments in (
        ("score", "--help"),
        ("score", str(EXAMPLE / "preds"), str(EXAMPLE / "truth"), "--protocol", "voynov"),
        ("report", "--help"),
        tables,
    ):
        assert loaded_by(run, *arguments) == set(), arguments
