"""The consoles: results on stdout, progress, warnings and errors on stderr.

Of several processes the first alone speaks, but each may say why it fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as ProgressBar
from rich.text import Text

from l4f_bench.distributed import is_follower
from l4f_bench.progress import Advance, Progress
from l4f_bench.terminal import one_line

ImagesReport = Callable[[int, Mapping[str, float]], object]
"""Called with the images done and the latest figures by name."""


class _FirstConsole(Console):
    """Speaks in the first process only; which that is may turn out later than at the import."""

    @property
    def quiet(self) -> bool:
        """Whether nothing is printed."""
        return is_follower()

    @quiet.setter
    def quiet(self, value: bool) -> None:
        """Not to be chosen; Rich sets it when the console is made."""


stdout = _FirstConsole(highlight=False, markup=False, emoji=False, soft_wrap=True)
stderr = _FirstConsole(stderr=True, highlight=False, emoji=False)
errors = Console(stderr=True, highlight=False, emoji=False)


def somebody_there() -> bool:
    """Whether a question can be asked: input comes from a terminal."""
    return sys.stdin.isatty()


def byte_count(num_bytes: int | None) -> str:
    """A number of bytes as tables show it; a dash where it is not known."""
    return "-" if num_bytes is None else f"{num_bytes:,}"


def say(message: str, *, style: str | None = None) -> None:
    """Print one line to stderr: where results are, what became of them."""
    stderr.print(one_line(message), style=style, markup=False, soft_wrap=True)


def warn(message: str) -> None:
    """Print one warning line to stderr."""
    say(f"Warning: {message}", style="yellow")


class _RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """The current speed, once it is known."""
        return Text("" if task.speed is None else f"{task.speed:.2f} images/s")


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
    """Show a bar with rate and remaining time on stderr while the block runs.

    It is silent where stderr is not a terminal.

    Yields:
        A function that takes the total and returns what to call with each number of steps done.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
    )
    with ProgressBar(
        *columns, console=stderr, transient=True, disable=not stderr.is_terminal
    ) as bar:

        def start(total: int) -> Advance:
            task = bar.add_task(description, total=total)
            return lambda steps: bar.advance(task, steps)

        yield start


@contextmanager
def training_bar(description: str) -> Iterator[Callable[[int, int], ImagesReport]]:
    """Show a bar with losses, rate and remaining time on stderr while the block runs.

    It is silent where stderr is not a terminal.

    Yields:
        A function that takes the images done and the images in all, and returns what to call with
        the images done and the latest figures by name.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with ProgressBar(
        *columns, console=stderr, transient=True, disable=not stderr.is_terminal
    ) as bar:

        def start(done: int, total: int) -> ImagesReport:
            task = bar.add_task(description, total=total, completed=done, figures="")

            def report(images: int, figures: Mapping[str, float]) -> None:
                text = " ".join(f"{name} {value:.2f}" for name, value in figures.items())
                bar.update(task, completed=images, figures=text)

            return report

        yield start
