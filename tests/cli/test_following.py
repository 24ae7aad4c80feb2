"""Work says how far it is: a line of a log every half minute, a bar that fits a terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from l4f_bench.cli import following
from l4f_bench.cli.following import Work, bar_of, duration, followed, training_followed
from tests.cli.conftest import Run


class Clock:
    """A clock that goes on when it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(following.time, "monotonic", clock)
    return clock


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(following, "say", lines.append)
    return lines


def drawn(work: Work, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    with console.capture() as capture:
        console.print(bar_of(work, width))
    return capture.get().splitlines()


def halfway(clock: Clock, description: str, total: int = 25_000_000) -> Work:
    work = Work(description, "images", total, 0)
    clock.now += 50
    work.move(total // 2, {})
    return work


def test_a_log_gets_a_forecast_and_then_a_line_every_half_minute(
    clock: Clock, said: list[str]
) -> None:
    with followed("Sampling") as progress:
        advance = progress(1000)
        for _ in range(100):
            clock.now += 1
            advance(1)
    assert said == [
        "Sampling: about 16 min 35 s for 995 images.",
        "Sampling:  30/1,000  1 images/s  16 min 10 s left",
        "Sampling:  60/1,000  1 images/s  15 min 40 s left",
        "Sampling:  90/1,000  1 images/s  15 min 10 s left",
    ]


def test_short_work_says_nothing(clock: Clock, said: list[str]) -> None:
    with followed("Scoring") as progress:
        advance = progress(20)
        for _ in range(20):
            clock.now += 1
            advance(1)
    assert said == []


def test_a_resumed_training_is_not_faster_for_what_it_had(clock: Clock, said: list[str]) -> None:
    with training_followed("Training") as watch:
        report = watch(800, 1000)
        clock.now += 40
        report(840, {"step": 105, "loss_g": 0.69314})
    assert said == [
        "Training: about 2 min 40 s for 160 images.",
        "Training:  840/1,000  1 images/s  2 min 40 s left  step 105  loss_g 0.693",
    ]


def test_the_rate_is_that_of_the_last_minute(clock: Clock) -> None:
    work = Work("Sampling", "images", 10_000, 0)
    for second in range(1, 301):
        clock.now += 1
        work.move(10 * second if second <= 200 else 1800 + second, {})
    assert work.rate == pytest.approx(1, rel=0.02)


@pytest.mark.parametrize("description", ["Training", "eval samples: ours-ffhq-psi-0.7-seed-0" * 3])
def test_bar_count_rate_and_remaining_time_fit_80_columns(clock: Clock, description: str) -> None:
    (line,) = drawn(halfway(clock, description), 80)
    assert len(line.rstrip()) <= 80
    assert "12,500,000/25,000,000  250,000 images/s  50 s left" in line
    assert "━━━" in line


@pytest.mark.parametrize("width", [1, 20, 40, 60, 160])
def test_a_bar_stays_one_line_at_any_width(clock: Clock, width: int) -> None:
    (line,) = drawn(halfway(clock, "eval samples: ours"), width)
    assert len(line.rstrip()) <= width


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3661, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_durations_have_their_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_command_in_a_log_can_be_followed_or_be_quiet(
    folders: tuple[Path, Path], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LINE_EVERY_S", 0.0)
    loud, quiet = run("score", *folders), run("score", *folders, "--quiet")
    assert re.search(r"^Scoring:  4/4  .* images/s", loud.stderr, re.MULTILINE)
    assert "Scoring" not in quiet.stderr
    assert loud.stdout == quiet.stdout


@pytest.mark.slow
def test_a_training_in_a_log_says_step_and_losses(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LINE_EVERY_S", 0.0)
    debug = ("train", "--method", "unet", "--preset", "debug", "--steps", "2")
    said = run(*debug, "--out", tmp_path).stderr
    assert len(re.findall(r"^Training: .* images/s .*step \d+  loss", said, re.MULTILINE)) == 2


def test_work_in_a_terminal_draws_a_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    there = Console(file=Terminal(), width=80, force_terminal=True, color_system=None)
    monkeypatch.setattr(following, "stderr", there)
    work: Callable[[int, dict[str, float]], None]
    with training_followed("Training") as watch:
        work = watch(0, 100)
        clock.now += 10
        work(50, {"step": 5, "loss": 1.5})
    assert "50/100  5 images/s  10 s left" in there.file.getvalue()  # type: ignore[attr-defined]
    assert "step 5  loss 1.5" in there.file.getvalue()  # type: ignore[attr-defined]
