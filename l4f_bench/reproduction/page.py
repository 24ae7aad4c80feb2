"""The plan, and what came of it, as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from l4f_bench.reporting import page
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.reading import read_all
from l4f_bench.reporting.report import Report, build_report
from l4f_bench.reporting.sections import Section
from l4f_bench.reproduction.needs import Need
from l4f_bench.reproduction.plan import PlannedRow

PAGE = "reproduction.html"
_HEADERS = ("Where", "Row", "State", "Command")


def needs_of(rows: Sequence[PlannedRow]) -> list[tuple[Need, list[str]]]:
    """Everything that rows need, once each, with what is drawn of it; what is missing first."""
    found: dict[Need, list[str]] = {}
    for row in rows:
        for need in row.needs:
            places = found.setdefault(need, [])
            if row.shown_in not in places:
                places.append(row.shown_in)
    return sorted(found.items(), key=lambda item: item[0].here)


def plan_json(rows: Sequence[PlannedRow], seconds: Mapping[str, float | None]) -> dict[str, Any]:
    """The plan for machines; ``seconds`` by command, None or absent where nothing was measured."""
    return {
        "rows": [
            {
                "shown_in": row.shown_in,
                "title": row.title,
                "command": row.command,
                "runs": not row.missing,
                "seconds": seconds.get(row.command),
                "needs": [asdict(need) for need in row.needs],
            }
            for row in rows
        ]
    }


def write_page(
    folder: Path, rows: Sequence[PlannedRow], said: Mapping[str, str], records: Sequence[Path]
) -> Path:
    """Write what became of every row, and all that the records say, as one HTML page.

    Args:
        folder: Where the page goes.
        rows: Of the plan.
        said: What became of them, by command.
        records: Files of those that ran.

    Raises:
        InputError: A record cannot be read, or the page cannot be written.
    """
    found = read_all(records)
    drawn = Report([], [], Look())
    if records:
        loaded = [record for _, record in found.records]
        drawn = build_report(loaded, edits=[record for _, record in found.edits])
    drawn = replace(drawn, others=[_section(rows, said), *drawn.others])
    page.write_page(folder / PAGE, drawn, found)
    return folder / PAGE


def _section(rows: Sequence[PlannedRow], said: Mapping[str, str]) -> Section:
    """What became of the rows."""
    lines = [[row.shown_in, row.title, said[row.command], row.command] for row in rows]
    return Section(
        name="reproduction",
        title="What was reproduced",
        headers=_HEADERS,
        lines=lines,
        notes=(),
        rows=[dict(zip(_HEADERS, line, strict=True)) for line in lines],
    )
