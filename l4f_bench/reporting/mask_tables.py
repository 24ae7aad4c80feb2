"""Tables of mask scores, published beside measured, as sections of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.published import PublishedRow, TableSpec
from l4f_bench.reporting.sections import CONTROLS, MISSING, Section
from l4f_bench.reporting.tables import Cell, Table, TableRow

_Line = tuple[str, list[str], str, str]
"""Source, numbers, images, protocol."""


def table_section(table: Table) -> Section:
    """A table in the paper's layout, with its notes; for machines one row per cell."""
    return Section(
        name=table.name,
        title=table.title,
        headers=_headers(table),
        lines=_lines(table),
        notes=tuple(_notes(table)),
        rows=[_cell_row(table, row, cell) for row in table.rows for cell in row.cells],
    )


def _cell_row(table: Table, row: TableRow, cell: Cell) -> dict[str, Any]:
    number = table.spec.number if table.spec else None
    return {
        "table": number or table.name,
        "dataset": row.dataset,
        "method": row.method,
        "truncation": row.truncation,
        "label": row.label,
        "metric": cell.metric,
        "published": cell.published,
        **(_source(row) if table.spec and number is None else {}),
        "measured": cell.measured,
        "difference": cell.difference,
        "low": cell.low,
        "high": cell.high,
        "n": row.n,
        "protocol": row.protocol.name if row.protocol else None,
        **{
            name: scores[cell.metric].value if cell.metric in scores else None
            for name, scores in row.controls.items()
        },
        "reason": cell.reason,
    }


def _source(row: TableRow) -> dict[str, Any]:
    """What differs from row to row of the field's numbers."""
    published = row.published
    return {
        "published_source": published.source if published else None,
        "published_protocol": published.protocol if published else None,
        "published_n": published.num_images if published else None,
    }


def _headers(table: Table) -> tuple[str, ...]:
    truncated = any(row.truncation is not None for row in table.rows)
    return (
        "Method",
        "Data set",
        *(["psi"] if truncated else []),
        "Source",
        "IOU fg/bg",
        *(metric_spec(metric).title for metric in table.metrics[2:]),
        "n",
        "Protocol",
    )


def _lines(table: Table) -> list[list[str]]:
    """Up to four lines a row: published, measured, difference, interval."""
    truncated = any(row.truncation is not None for row in table.rows)
    lines = []
    for row in table.rows:
        name = [row.title, row.dataset_title]
        if truncated:
            name.append("" if row.truncation is None else f"{row.truncation:g}")
        for index, (source, numbers, n, protocol) in enumerate(_row_lines(table, row)):
            lines.append(
                [*(name if index == 0 else [""] * len(name)), source, *numbers, n, protocol]
            )
    return lines


def _row_lines(table: Table, row: TableRow) -> list[_Line]:
    lines = [] if row.published is None else [_published(table, row, row.published)]
    if row.label is None:
        if table.spec is not None and table.spec.number is None:
            return lines
        return [*lines, ("measured", [f"{MISSING} [2]"] * (len(row.cells) - 1), "", "")]
    measured = _numbers(table, {cell.metric: cell.measured for cell in row.cells})
    lines.append(
        (f"measured: {row.label}", measured, str(row.n), row.protocol.name if row.protocol else "")
    )
    if any(cell.difference is not None for cell in row.cells):
        apart = [
            MISSING if cell.difference is None else f"{cell.difference:+.4f}" for cell in row.cells
        ]
        lines.append(("difference", _joined(apart), "", ""))
    intervals = [_interval(cell, table.digits(cell.metric) + 1) for cell in row.cells]
    lines.append(("95% interval", _joined(intervals), "", ""))
    for name, scores in row.controls.items():
        values = {metric: estimate.value for metric, estimate in scores.items()}
        lines.append((f"control: {CONTROLS[name]}", _numbers(table, values), "", ""))
    return lines


def _published(table: Table, row: TableRow, published: PublishedRow) -> _Line:
    """The numbers as printed; those of the field each with their source and protocol."""
    numbers = _numbers(table, published.printed)
    if published.table is not None:
        return "published [1]", numbers, "", ""
    n = "" if published.num_images is None else str(published.num_images)
    return f"published: {published.source}", numbers, n, published.protocol


def _numbers(table: Table, values: Mapping[str, float | None]) -> list[str]:
    """A value for each column."""
    return _joined([_number(values.get(key), table.digits(key)) for key in table.metrics])


def _joined(values: list[str]) -> list[str]:
    """Foreground and background IoU share a column, as in the paper."""
    return [f"{values[0]}/{values[1]}", *values[2:]]


def _number(value: float | None, digits: int) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"


def _interval(cell: Cell, digits: int) -> str:
    if cell.low is None or cell.high is None:
        return MISSING
    return f"[{cell.low:.{digits}f}, {cell.high:.{digits}f}]"


def _notes(table: Table) -> list[str]:
    spec = table.spec
    notes = [] if spec is None else [spec.note, *spec.remarks, *_missing(table, spec)]
    protocols = {row.protocol for row in table.rows if row.protocol is not None}
    notes += sorted(f"Protocol {p.name}: {p.title} ({p.source})." for p in protocols)
    if any(row.controls for row in table.rows):
        notes.append(
            f"Controls never look at the image. {CONTROLS['constant']}: the one mask that fits the "
            f"truths best; {CONTROLS['shifted']}: each prediction against the next image's truth."
        )
    notes.append(
        "Intervals: 95%, percentile bootstrap over images. Differences: measured at full "
        "precision minus published."
    )
    return notes


def _missing(table: Table, spec: TableSpec) -> list[str]:
    """Why numbers are missing, and which published ones compare with nothing."""
    paper = spec.number is not None
    rows = [row for row in table.rows if paper or row.label is not None]
    reasons = sorted({cell.reason for row in rows for cell in row.cells if cell.reason is not None})
    doubts = [
        f"{row.method_title} ({row.unlike})" for row in spec.published if row.unlike is not None
    ]
    found = [f"{'[2] ' if paper else ''}{MISSING}: {'; '.join(reasons)}."] if reasons else []
    return found + ([f"Compared with nothing: {'; '.join(doubts)}."] if doubts else [])
