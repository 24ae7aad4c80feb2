"""Tables of mask scores, published beside measured, as sections of a report."""

from __future__ import annotations

from typing import Any

from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.published import PAPER, TableSpec
from l4f_bench.reporting.sections import CONTROLS, MISSING, Section
from l4f_bench.reporting.tables import Cell, Table, TableRow


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
    return {
        "table": table.spec.number if table.spec else table.name,
        "dataset": row.dataset,
        "method": row.method,
        "truncation": row.truncation,
        "label": row.label,
        "metric": cell.metric,
        "published": cell.published,
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
        for index, (source, numbers, n, protocol) in enumerate(_row_lines(row)):
            lines.append(
                [*(name if index == 0 else [""] * len(name)), source, *numbers, n, protocol]
            )
    return lines


def _row_lines(row: TableRow) -> list[tuple[str, list[str], str, str]]:
    lines: list[tuple[str, list[str], str, str]] = []
    if row.published:
        printed = [_number(value, key) for key, value in row.published.printed.items()]
        others = [MISSING] * (len(row.cells) - len(printed))
        lines.append(("published [1]", _joined([*printed, *others]), "", ""))
    if row.label is None:
        return [*lines, ("measured", [f"{MISSING} [2]"] * (len(row.cells) - 1), "", "")]
    measured = _joined([_number(cell.measured, cell.metric) for cell in row.cells])
    lines.append(
        (f"measured: {row.label}", measured, str(row.n), row.protocol.name if row.protocol else "")
    )
    if any(cell.difference is not None for cell in row.cells):
        apart = [
            MISSING if cell.difference is None else f"{cell.difference:+.4f}" for cell in row.cells
        ]
        lines.append(("difference", _joined(apart), "", ""))
    lines.append(("95% interval", _joined([_interval(cell) for cell in row.cells]), "", ""))
    return lines + [
        (f"control: {CONTROLS[name]}", _joined(_control(row, scores)), "", "")
        for name, scores in row.controls.items()
    ]


def _control(row: TableRow, scores: dict[str, Estimate]) -> list[str]:
    nothing = Estimate(None)
    return [_number(scores.get(cell.metric, nothing).value, cell.metric) for cell in row.cells]


def _joined(values: list[str]) -> list[str]:
    """Foreground and background IoU share a column, as in the paper."""
    return [f"{values[0]}/{values[1]}", *values[2:]]


def _number(value: float | None, metric: str) -> str:
    return MISSING if value is None else f"{value:.{metric_spec(metric).digits}f}"


def _interval(cell: Cell) -> str:
    if cell.low is None or cell.high is None:
        return MISSING
    digits = metric_spec(cell.metric).digits + 1
    return f"[{cell.low:.{digits}f}, {cell.high:.{digits}f}]"


def _notes(table: Table) -> list[str]:
    notes = [] if table.spec is None else [_note_of_paper(table.spec)]
    reasons = sorted(
        {cell.reason for row in table.rows for cell in row.cells if cell.reason is not None}
    )
    if reasons and table.spec is not None:
        notes.append(f"[2] {MISSING}: {'; '.join(reasons)}.")
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


def _note_of_paper(spec: TableSpec) -> str:
    return (
        f"[1] As printed in {PAPER}, Table {spec.number}. The pair under IOU fg/bg is "
        "exchanged there: the released evaluation script prints pixel value 0, the background, as "
        f'"fg" ({spec.exchange}). Measured pairs are foreground/background, and the '
        "difference compares foreground with foreground."
    )
