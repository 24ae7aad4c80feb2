"""Scores as a few aligned lines for the terminal, and as JSON for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from l4f_bench.evaluation.distance.facts import DistanceFacts, KernelFacts
from l4f_bench.evaluation.records import Record
from l4f_bench.evaluation.scoring import FolderScores
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.audit import AuditedRow, bounds
from l4f_bench.reporting.sections import CONTROLS

_BOUNDS = {"": "value", "95% from": "low", "95% to": "high"}


def score_lines(result: FolderScores) -> str:
    """One line of scores and its interval; the one with letterbox bars below it if asked for."""
    named = {"score": result.scores}
    if result.scores_with_bars is not None:
        named = {"without bars": result.scores, "with bars": result.scores_with_bars}
    return _lines(named, len(result.counts.rows), result.protocol.name, result.controls)


def record_lines(record: Record) -> str:
    """The scores of a record under its label, or the distance that it holds."""
    if record.distance is not None:
        return distance_lines(record.distance)
    psi = "" if record.truncation is None else f", psi {record.truncation:g}"
    return _lines(
        {record.label + psi: record.scores}, record.n, record.protocol_name, record.controls
    )


def scores_json(result: FolderScores) -> dict[str, Any]:
    """``{"scores": {key: {"value", "low", "high"}}, "n", "protocol"}`` and what was noticed."""
    content = {
        "scores": {key: asdict(estimate) for key, estimate in result.scores.items()},
        "n": len(result.counts.rows),
        "protocol": result.protocol.name,
        "controls": {
            name: {key: asdict(estimate) for key, estimate in scores.items()}
            for name, scores in result.controls.items()
        },
        "warnings": result.warnings,
    }
    if result.scores_with_bars is not None:
        content["scores_with_bars"] = {
            key: asdict(estimate) for key, estimate in result.scores_with_bars.items()
        }
    return content


def distance_lines(found: DistanceFacts) -> str:
    """A comparison of two image sets."""
    rows = [[found.distance, f"{found.value:.4f}"]]
    if found.kernel is not None:
        rows.append([found.kernel.name, _kernel(found.kernel)])
    if found.precision_recall is not None:
        shares = found.precision_recall
        rows += [["precision", f"{shares.precision:.4f}"], ["recall", f"{shares.recall:.4f}"]]
    for name, side in zip("AB", found.sides, strict=True):
        count = "an unknown number of" if side.count is None else side.count
        rows.append([name, f"{side.path}: {count} images ({side.kind})"])
    rows.append(["made with", ", ".join(f"{k} {v}" for k, v in found.made_with.items())])
    return tabulate(rows, tablefmt="plain", disable_numparse=True)


def _kernel(kernel: KernelFacts) -> str:
    if kernel.std is None:
        return f"{kernel.mean:.6f}"
    of = f"({kernel.num_subsets} subsets of {kernel.subset_size})"
    return f"{kernel.mean:.6f} ± {kernel.std:.6f} {of}"


def audit_lines(rows: list[AuditedRow]) -> str:
    """The contradictory rows with what their IoUs allow, and how many rows are sound."""
    wrong = [row for row in rows if not row.consistent]
    lines = [
        [
            f"Table {row.row.table}",
            row.row.dataset,
            row.row.method,
            *_contradiction(row, cell),
        ]
        for row in wrong
        for cell in (*row.cells, *row.split_cells)
    ]
    headers = ["", "data set", "method", "cell", "printed", "its IoUs allow"]
    body = tabulate(lines, headers, tablefmt="simple", disable_numparse=True)
    sound = f"{len(rows) - len(wrong)} of {len(rows)} rows fit one pooled confusion matrix."
    return f"{sound}\n\n{body}" if wrong else sound


def audit_json(rows: list[AuditedRow]) -> dict[str, Any]:
    """One entry per published row."""
    return {
        "rows": [
            {
                "table": row.row.table,
                "dataset": row.row.dataset,
                "method": row.row.method,
                "truncation": row.row.truncation,
                "consistent": row.consistent,
                "cells": list(row.cells),
                "split_cells": list(row.split_cells),
            }
            for row in rows
        ]
    }


def _contradiction(row: AuditedRow, cell: str) -> list[str]:
    printed = f"{row.row.printed[cell]:.2f}"
    if cell in row.split_cells:
        return [cell, printed, "not with any one split of the errors"]
    low, high = bounds(row.row.printed)[cell]
    return [cell, printed, f"{low:.3f} to {high:.3f}"]


def _lines(
    named: dict[str, dict[str, Estimate]],
    n: int,
    protocol: str,
    controls: dict[str, dict[str, Estimate]],
) -> str:
    keys = list(next(iter(named.values())))
    headers = ["", "IOU fg/bg", *(metric_spec(key).title for key in keys[2:]), "n", "protocol"]
    rows = []
    for name, scores in named.items():
        for label, part in _BOUNDS.items():
            numbers = [_number(getattr(scores[key], part)) for key in keys]
            last = [str(n), protocol] if part == "value" else ["", ""]
            rows.append([label or name, f"{numbers[0]}/{numbers[1]}", *numbers[2:], *last])
    for name, scores in controls.items():
        numbers = [_number(scores[key].value if key in scores else None) for key in keys]
        rows.append([CONTROLS[name], f"{numbers[0]}/{numbers[1]}", *numbers[2:], "", ""])
    return tabulate(rows, headers, tablefmt="plain", disable_numparse=True)


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.4f}"
