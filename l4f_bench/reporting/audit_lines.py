"""What an audit found, as lines for the terminal and as JSON for machines."""

from __future__ import annotations

from typing import Any

from tabulate import tabulate

from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.audit import AuditedRow


def audit_lines(rows: list[AuditedRow]) -> str:
    """How many rows are sound, where every row begins to fail, and what contradicts the rest."""
    wrong = [row for row in rows if not row.consistent]
    sound = f"{len(rows) - len(wrong)} of {len(rows)} rows fit one pooled confusion matrix."
    table = [
        [row.row.label, _rounding(row.row.rounding), _rounding(row.fit.fits_from), _verdict(row)]
        for row in rows
    ]
    parts = [sound, _table(table, ["", "rounded by", "fails below", "so it"])]
    cells = [
        [row.row.label, metric_spec(key).title, _printed(row, key), f"{low:.4f} to {high:.4f}"]
        for row in wrong
        for key, (low, high) in row.fit.wrong.items()
    ]
    if cells:
        parts.append(_table(cells, ["", "cell", "printed", "the other cells allow"]))
    return "\n\n".join(parts)


def audit_json(rows: list[AuditedRow]) -> dict[str, Any]:
    """One entry per row."""
    return {
        "rows": [
            {
                "label": row.row.label,
                "digits": row.row.digits,
                "rounding": row.row.rounding,
                "fails_below": row.fit.fits_from,
                "consistent": row.consistent,
                "printed": row.row.printed,
                "cells": {key: list(bounds) for key, bounds in row.fit.wrong.items()},
            }
            for row in rows
        ]
    }


def _verdict(row: AuditedRow) -> str:
    return "fits" if row.consistent else "contradicts itself"


def _rounding(value: float) -> str:
    return f"{value:.2g}" if value >= 1e-7 else "0"


def _printed(row: AuditedRow, key: str) -> str:
    return f"{row.row.printed[key]:.{row.row.digits}f}"


def _table(rows: list[list[str]], headers: list[str]) -> str:
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)
