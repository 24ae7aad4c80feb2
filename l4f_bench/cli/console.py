"""The two consoles: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

from collections.abc import Iterator
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

from l4f_bench.progress import Advance, Progress

stdout = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False, emoji=False)


def warn(message: str) -> None:
    """Print one warning line to stderr."""
    stderr.print(f"Warning: {message}", style="yellow", markup=False, soft_wrap=True)


class _RateColumn(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """The current speed, once it is known."""
        return Text("" if task.speed is None else f"{task.speed:.2f} images/s")


@contextmanager
def progress_bar(description: str) -> Iterator[Progress]:
    """Show a bar with rate and remaining time on stderr while the block runs.

    It is silent where stderr is no terminal.

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
