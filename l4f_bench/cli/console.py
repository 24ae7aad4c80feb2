"""The two consoles: results on stdout, progress and warnings on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

stdout = Console(highlight=False, markup=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False)


def warn(message: str) -> None:
    """Print one warning line to stderr."""
    stderr.print(f"Warning: {message}", style="yellow", markup=False, soft_wrap=True)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int], Callable[[], object]]]:
    """Show a bar on stderr while the block runs; silent where stderr is no terminal.

    Yields:
        A function that takes the total and returns what to call after each step.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:

        def start(total: int) -> Callable[[], object]:
            task = bar.add_task(description, total=total)
            return lambda: bar.advance(task)

        yield start
