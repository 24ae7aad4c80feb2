"""Sections of a report on a terminal, as wide as that is."""

from __future__ import annotations

import re
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from l4f_bench.reporting.report import Report
from l4f_bench.reporting.sections import Section
from l4f_bench.terminal import one_line

NARROW = 120
"""Columns from which a terminal has room for every fact in a column of its own."""
_ENDLESS = 100_000
_WORDS = 14  # columns into which a cell of words may be folded
_LETTERS = re.compile(r"(?!n/a)[^\W\d_]{2}")


def print_report(report: Report, console: Console, *, intervals: bool | None = None) -> None:
    """Print a report in the fullest form that fits.

    Args:
        report: What to print.
        console: Where, and how wide it is.
        intervals: Whether 95% intervals are shown; None shows them where there is room.
    """
    wide = console.width >= NARROW
    shown = [True, False] if intervals is None and wide else [bool(intervals)]
    looks = [replace(report.look, narrow=True, intervals=choice) for choice in shown]
    if wide:
        looks.insert(0, replace(report.look, intervals=shown[0]))
    for forms in zip(*(report.drawn(look) for look in looks), strict=True):
        section = next((form for form in forms if _fits(form, console)), forms[-1])
        console.print(_drawn(section, console), soft_wrap=False)


def _fits(section: Section, console: Console) -> bool:
    least = console.measure(_table(section), options=console.options.update(width=_ENDLESS))
    return least.minimum <= console.width


def _drawn(section: Section, console: Console) -> RenderableType:
    """A section as a table, or as a list of its lines where a table does not fit."""
    body = _table(section) if _fits(section, console) else _list(section)
    notes = [Text(f"- {one_line(note)}", style="dim") for note in section.notes]
    return Group(Text(one_line(section.title), style="bold"), body, *notes, "")


def _table(section: Section) -> Table:
    """Words may be folded, numbers never are."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for index, header in enumerate(map(one_line, section.headers)):
        cells = [_plain(line[index]) for line in section.lines]
        longest = max(map(cell_len, [*header.split(), *cells]), default=0)
        words = index == 0 or any(map(_LETTERS.search, cells))
        table.add_column(
            Text(header),
            justify="left" if words else "right",
            overflow="fold",
            no_wrap=not words,
            min_width=min(longest, _WORDS) if words else longest,
        )
    for line in section.lines:
        table.add_row(*(Text(_plain(cell)) for cell in line))
    return table


def _list(section: Section) -> RenderableType:
    """Each line as its first cell, with the others below by name."""
    lines = []
    for line in section.lines:
        lines.append(Text(_plain(line[0]) or "-", overflow="fold"))
        lines += [
            Text(f"  {one_line(header)} {one_line(cell)}", overflow="fold")
            for header, cell in zip(section.headers[1:], line[1:], strict=True)
            if cell
        ]
    return Group(*lines)


def _plain(cell: str) -> str:
    """One line that keeps the indent of what stands below something."""
    indent = cell[: len(cell) - len(cell.lstrip(" "))]
    return f"{indent}{one_line(cell.strip())}"
