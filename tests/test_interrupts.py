"""Ctrl-C at any moment is one line and exit code 130."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINE = "Interrupted. No file is half written.\n"

# A module whose import takes long stands for all imports, one that is run for all work.
_SCRIPT = """
import sys, time
from l4f_bench import interrupts

def work():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("cleaning", flush=True)
        {cleaning}

interrupts.install()
try:
    {body}
finally:
    interrupts.end()
"""
_SLOW_MODULE = "import time\nprint('ready', flush=True)\ntime.sleep(60)\n"


def started(body: str, tmp_path: Path, cleaning: str = "pass") -> subprocess.Popen[str]:
    (tmp_path / "slow_module.py").write_text(_SLOW_MODULE)
    script = f"import sys; sys.path.append({str(tmp_path)!r})" + _SCRIPT.format(
        body=body, cleaning=cleaning
    )
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: subprocess.Popen[str], *waits: str) -> None:
    """Press Ctrl-C after each of these lines of output; the process must end as it should."""
    assert process.stdout is not None
    for line in waits:
        assert process.stdout.readline() == f"{line}\n"
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, LINE)


def test_during_an_import(tmp_path: Path) -> None:
    interrupted(started("import slow_module", tmp_path), "ready")


def test_during_work_that_is_then_cleaned_up(tmp_path: Path) -> None:
    interrupted(started("work()", tmp_path), "ready")


def test_twice(tmp_path: Path) -> None:
    interrupted(started("work()", tmp_path, "time.sleep(60)"), "ready", "cleaning")


def test_an_exception_that_is_lost_in_cleaning_up_is_still_answered(tmp_path: Path) -> None:
    interrupted(started("work()", tmp_path, "sys.exit('another')"), "ready")


def test_nothing_is_changed_for_those_who_install_nothing() -> None:
    from l4f_bench import interrupts

    before = signal.getsignal(signal.SIGINT)
    interrupts.ignore()
    interrupts.end()
    assert signal.getsignal(signal.SIGINT) is before
    assert not interrupts.is_pending()


@pytest.mark.slow
@pytest.mark.parametrize("presses", [1, 2])
@pytest.mark.parametrize("after_s", [0.1, 0.2, 0.3, 0.5, 0.8, 1.2, 2.0, 3.0])
def test_the_program_at_any_moment_of_its_start(presses: int, after_s: float) -> None:
    images = ROOT / "l4f_bench" / "assets" / "example" / "preds"
    options = [
        "fid",
        images,
        images,
        "--features",
        "annotator",
        "--allow-small-n",
        "--device",
        "cpu",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "l4f_bench", *map(str, options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after_s)
    for _ in range(presses):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err
    assert process.returncode == 0 or (process.returncode, err) == (130, LINE)
