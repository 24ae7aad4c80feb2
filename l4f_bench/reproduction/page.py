"""The plan, and what came of it, as one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from l4f_bench.escapes import markdown_cell, markdown_prose
from l4f_bench.evaluation.records import Record
from l4f_bench.reporting.report import build_report
from l4f_bench.reporting.writers import markdown
from l4f_bench.reproduction.needs import Need
from l4f_bench.reproduction.plan import PlannedRow
from l4f_bench.runs import write_text

PAGE = "reproduction.md"


def needs_of(rows: Sequence[PlannedRow]) -> list[tuple[Need, list[str]]]:
    """Everything that rows need, once each, with the tables that need it; what is missing first."""
    found: dict[Need, list[str]] = {}
    for row in rows:
        for need in row.needs:
            tables = found.setdefault(need, [])
            if str(row.table) not in tables:
                tables.append(str(row.table))
    return sorted(found.items(), key=lambda item: item[0].here)


def plan_json(rows: Sequence[PlannedRow], seconds: Mapping[str, float | None]) -> dict[str, Any]:
    """The plan for machines; ``seconds`` by command, None or absent where nothing was measured."""
    return {
        "rows": [
            {
                "table": row.table,
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
    folder: Path, rows: Sequence[PlannedRow], said: Mapping[str, str], records: list[Record]
) -> Path:
    """Write what became of every row, and the tables that the records give.

    Args:
        folder: Where the page goes.
        rows: Of the plan.
        said: What became of them, by command.
        records: Of those that ran.
    """
    lines = ["# The paper's tables, reproduced", ""]
    for row in rows:
        state = markdown_prose(said[row.command])
        lines.append(f"- Table {row.table}, {markdown_cell(row.title)}: {state}.")
        lines.append(f"  `{row.command}`")
    sections = build_report(records).sections if records else []
    text = "\n".join([*lines, "", *(markdown(section) for section in sections)])
    write_text(folder / PAGE, text)
    return folder / PAGE
