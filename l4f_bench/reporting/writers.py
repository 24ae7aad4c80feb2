"""Tables as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
from tabulate import tabulate

from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.metrics.scores import METRICS
from l4f_bench.reporting.published import PAPER, TableSpec
from l4f_bench.reporting.tables import Cell, Table, TableRow

HEADERS = ["Method", "Data set", "Source", "IOU fg/bg", "mIOU", "F1", "Prec", "Rec", "Acc"]
_MISSING = "n/a"


def markdown(table: Table) -> str:
    """The table in the paper's layout with its notes, as GitHub Markdown."""
    body = tabulate(_lines(table), _headers(table), tablefmt="github", disable_numparse=True)
    notes = "\n".join(f"- {note}" for note in _notes(table))
    return f"## {_title(table)}\n\n{body}\n\n{notes}\n"


def latex(table: Table) -> str:
    """The table as a LaTeX ``table`` environment; needs the package booktabs."""
    body = tabulate(
        _lines(table), _headers(table), tablefmt="latex_booktabs", disable_numparse=True
    )
    notes = "\n".join(rf"\par {_escape(note)}" for note in _notes(table))
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{_escape(_title(table))}}}\n{body}\n"
        f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize\n{notes}\n\\end{{minipage}}\n"
        "\\end{table}\n"
    )


def csv(table: Table) -> str:
    """One line per cell, at full precision."""
    frame = pd.DataFrame(
        {
            "table": table.spec.number or table.spec.name,
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
            "protocol": row.protocol,
            "reason": cell.reason,
        }
        for row in table.rows
        for cell in row.cells
    )
    frame["n"] = frame["n"].astype("Int64")  # stays whole beside missing values
    return str(frame.to_csv(index=False, na_rep=_MISSING))


def to_json(table: Table) -> str:
    """Rows and cells at full precision."""
    return json.dumps(table.to_json(), indent=1, ensure_ascii=False) + "\n"


WRITERS: dict[str, Callable[[Table], str]] = {
    "md": markdown,
    "csv": csv,
    "tex": latex,
    "json": to_json,
}


def _title(table: Table) -> str:
    if table.spec.number is None:
        return table.spec.title
    return f"Table {table.spec.number}: {table.spec.title}"


def _headers(table: Table) -> list[str]:
    truncated = any(row.truncation is not None for row in table.rows)
    return [*HEADERS[:2], *(["psi"] if truncated else []), *HEADERS[2:], "n", "Protocol"]


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
        lines.append(("published [1]", _joined(printed), "", ""))
    if row.label is None:
        return [*lines, ("measured", [f"{_MISSING} [2]"] * (len(row.cells) - 1), "", "")]
    measured = _joined([_number(cell.measured, cell.metric) for cell in row.cells])
    lines.append((f"measured: {row.label}", measured, str(row.n), str(row.protocol)))
    if any(cell.difference is not None for cell in row.cells):
        apart = [
            _MISSING if cell.difference is None else f"{cell.difference:+.4f}" for cell in row.cells
        ]
        lines.append(("difference", _joined(apart), "", ""))
    return [*lines, ("95% interval", _joined([_interval(cell) for cell in row.cells]), "", "")]


def _joined(values: list[str]) -> list[str]:
    """Foreground and background IoU share a column, as in the paper."""
    return [f"{values[0]}/{values[1]}", *values[2:]]


def _number(value: float | None, metric: str) -> str:
    return _MISSING if value is None else f"{value:.{METRICS.get(metric).digits}f}"


def _interval(cell: Cell) -> str:
    if cell.low is None or cell.high is None:
        return _MISSING
    digits = METRICS.get(cell.metric).digits + 1
    return f"[{cell.low:.{digits}f}, {cell.high:.{digits}f}]"


def _notes(table: Table) -> list[str]:
    notes = [] if table.spec.number is None else [_note_of_paper(table.spec)]
    reasons = sorted(
        {cell.reason for row in table.rows for cell in row.cells if cell.reason is not None}
    )
    if reasons and table.spec.number is not None:
        notes.append(f"[2] {_MISSING}: {'; '.join(reasons)}.")
    names = {row.protocol for row in table.rows if row.protocol is not None}
    notes += [
        f"Protocol {name}: {PROTOCOLS.get(name).title} ({PROTOCOLS.get(name).source})."
        for name in sorted(names)
    ]
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


def _escape(text: str) -> str:
    for character in "&%$#_{}":
        text = text.replace(character, f"\\{character}")
    return text
