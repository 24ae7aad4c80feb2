"""The consoles: results on stdout, progress, warnings and errors on stderr.

Of several processes the first alone speaks, but each may say why it fails.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from l4f_bench.distributed import is_follower
from l4f_bench.terminal import one_line

if TYPE_CHECKING:
    from rich.table import Table


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


def table(*columns: str) -> Table:
    """An empty table for a terminal, whose cells fold."""
    from rich import box
    from rich.table import Table

    empty = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        empty.add_column(column, overflow="fold")
    return empty


def print_tables(*tables: Table) -> None:
    """Print tables to stdout; away from a terminal their lines are never folded."""
    console = Console(highlight=False, markup=False)
    if not console.is_terminal:  # commands and addresses are there to be copied
        console.width = 400
    for one in tables:
        console.print(one)
