"""Work that can be followed: a bar in a terminal, elsewhere one line about every 30 seconds.

Both say the same: how much is done, how fast it goes on, and how long the rest will take.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from l4f_bench.cli.console import say, stderr
from l4f_bench.progress import Advance, Progress

Move = Callable[[int, Mapping[str, float]], None]
"""Called with what is done in all, and the latest figures by name."""

Tell = Callable[[str], object]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]

LINE_EVERY_S = 30.0
FORECAST_AFTER_S = 5.0
"""From when on the speed is worth a forecast; shorter work needs none."""
_WINDOW_S = 60.0
_NARROWEST_BAR, _WIDEST_BAR = 8, 40
_NO_FIGURES: Mapping[str, float] = {}
_QUIET = ContextVar("quiet", default=False)


def long(function: Callable[..., None]) -> Callable[..., None]:
    """A command whose work is followed on stderr, unless it is given ``--quiet``."""

    @functools.wraps(function)
    def command(*args: Any, quiet: bool, **options: Any) -> None:
        before = _QUIET.set(quiet)
        try:
            function(*args, **options)
        finally:
            _QUIET.reset(before)

    signature = inspect.signature(function, eval_str=True)
    own = inspect.Parameter(
        "quiet", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Quiet
    )
    parameters = [*signature.parameters.values(), own]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {**function.__annotations__, "quiet": Quiet}
    return command


@dataclass(slots=True)
class Work:
    """How far a piece of work is, and how fast it goes on."""

    description: str
    unit: str
    total: int | None
    done: int
    figures: Mapping[str, float] = field(default_factory=dict)
    marks: deque[tuple[float, int]] = field(default_factory=deque)
    """Times in seconds with what was done then, from about a minute ago on."""

    def __post_init__(self) -> None:
        self.marks.append((time.monotonic(), self.done))

    def move(self, done: int, figures: Mapping[str, float]) -> None:
        """Note what is done now."""
        self.done, self.figures = done, figures
        now = time.monotonic()
        if now - self.marks[-1][0] >= 1:
            self.marks.append((now, done))
        while len(self.marks) > 1 and now - self.marks[1][0] > _WINDOW_S:
            self.marks.popleft()

    @property
    def rate(self) -> float | None:
        """Units per second over the last minute; None as long as nothing is known."""
        then, before = self.marks[0]
        seconds = time.monotonic() - then
        return (self.done - before) / seconds if seconds > 0 and self.done > before else None

    @property
    def remaining_s(self) -> float | None:
        """Seconds that the rest will take at this rate."""
        rate = self.rate
        return None if rate is None or self.total is None else (self.total - self.done) / rate

    def amount(self, number: int) -> str:
        """A number of units."""
        return decimal(number) if self.unit == "bytes" else f"{number:,}"

    def state(self) -> str:
        """Count, rate and remaining time, as far as they are known."""
        parts = [self.amount(self.done)]
        if self.total is not None:
            parts[0] += f"/{self.amount(self.total)}"
        rate, remaining = self.rate, self.remaining_s
        if rate is not None:
            number = decimal(int(rate)) if self.unit == "bytes" else f"{_number(rate)} {self.unit}"
            parts.append(f"{number}/s")
        if remaining is not None:
            parts.append(f"{duration(remaining)} left")
        return "  ".join(parts)

    def figure_text(self) -> str:
        """The latest figures; empty without any."""
        return "  ".join(f"{name} {_number(value)}" for name, value in self.figures.items())

    def line(self) -> str:
        """State and figures behind the description."""
        return "  ".join(filter(None, (f"{self.description}:", self.state(), self.figure_text())))

    def forecast(self) -> str:
        """How long the work will take, once that is known."""
        left = "what is left" if self.total is None else self.amount(self.total - self.done)
        return (
            f"{self.description}: about {duration(self.remaining_s or 0)} for {left} {self.unit}."
        )


class _Follower:
    """Holds the work under way and says how it goes."""

    def __init__(self, description: str, unit: str, forecast: Tell, line: Tell) -> None:
        self._description, self._unit = description, unit
        self._forecast, self._line = forecast, line
        self._work: Work | None = None

    def begin(self, total: int | None, done: int = 0) -> Move:
        """Start work of ``total`` units, of which ``done`` are done; returns whom to tell."""
        work = self._work = Work(self._description, self._unit, total, done)
        began = spoke = time.monotonic()
        foretold = False

        def move(done: int, figures: Mapping[str, float]) -> None:
            nonlocal spoke, foretold
            work.move(done, figures)
            now = time.monotonic()
            if not foretold and now - began >= FORECAST_AFTER_S:
                foretold = True
                if (work.remaining_s or 0) >= LINE_EVERY_S:
                    self._forecast(work.forecast())
            if now - spoke >= LINE_EVERY_S:
                spoke = now
                self._line(work.line())

        return move

    def render(self) -> RenderableType:
        """What the terminal shows now."""
        if self._work is None:
            return Text(self._description, overflow="ellipsis", no_wrap=True)
        bar, figures = bar_of(self._work, stderr.width), self._work.figure_text()
        return Group(bar, Text(figures)) if figures else bar


def bar_of(work: Work, width: int) -> RenderableType:
    """Description, bar and state in one line; where it is narrow the state stays the longest."""
    state = Text(work.state(), no_wrap=True)
    room = width - len(state) - 2
    if room < _NARROWEST_BAR:
        state.truncate(width, overflow="ellipsis")
        return state
    label = Text(work.description)
    label.truncate(max(room - _NARROWEST_BAR, 0), overflow="ellipsis")
    grid = Table.grid(padding=(0, 1, 0, 0))
    bar = ProgressBar(work.total, work.done, width=min(room - len(label), _WIDEST_BAR))
    grid.add_row(label, bar, state)
    return grid


def duration(seconds: float) -> str:
    """A time in its two largest units."""
    whole = max(round(seconds), 0)
    for size, name, lower, below in (
        (86_400, "d", 3_600, "h"),
        (3_600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {name} {whole % size // lower} {below}"
    return f"{whole} s"


@contextmanager
def _followed(description: str, unit: str) -> Iterator[_Follower]:
    if _QUIET.get():
        yield _Follower(description, unit, _unheard, _unheard)
    elif stderr.file.isatty() and not stderr.is_dumb_terminal:
        follower = _Follower(description, unit, say, _unheard)
        with Live(get_renderable=follower.render, console=stderr, transient=True):
            yield follower
    else:
        yield _Follower(description, unit, say, say)


def _unheard(text: str) -> None:
    """Nobody is told."""


@contextmanager
def followed(description: str, unit: str = "images") -> Iterator[Progress]:
    """Show on stderr how far the block is, unless ``--quiet`` is given.

    Yields:
        A function that takes the total and returns what to call with each number of steps done.
    """
    with _followed(description, unit) as follower:

        def start(total: int) -> Advance:
            move, done = follower.begin(total), 0

            def advance(steps: int) -> None:
                nonlocal done
                done += steps
                move(done, _NO_FIGURES)

            return advance

        yield start


@contextmanager
def training_followed(description: str) -> Iterator[Callable[[int, int], Move]]:
    """Show on stderr how far a training is, with its losses, unless ``--quiet`` is given.

    Yields:
        A function that takes the images done and the images in all, and returns what to call with
        the images done and the latest figures by name.
    """
    with _followed(description, "images") as follower:
        yield lambda done, total: follower.begin(total, done)


@contextmanager
def download_followed(description: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show on stderr how far a download is, unless ``--quiet`` is given.

    Yields:
        A function to call with the bytes there and the bytes in all, None if that is unknown.
    """
    with _followed(description, "bytes") as follower:
        move: Move | None = None

        def show(done: int, total: int | None) -> None:
            nonlocal move
            if move is None:  # bytes of an earlier run do not count into the rate
                move = follower.begin(total, done)
            move(done, _NO_FIGURES)

        yield show


def _number(value: float) -> str:
    return f"{value:,.0f}" if isinstance(value, int) or 100 <= abs(value) < 1e9 else f"{value:.3g}"
