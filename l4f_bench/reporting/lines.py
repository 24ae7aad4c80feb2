"""Scores as a few aligned lines for the terminal, and as JSON for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from l4f_bench.evaluation.distance.facts import DistanceFacts, KernelFacts
from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.scores import METRICS, metric_spec
from l4f_bench.reporting.sections import CONTROLS

_BOUNDS = {"": "value", "95% from": "low", "95% to": "high"}


def score_lines(record: Record) -> str:
    """One line of scores and its interval; the one with letterbox bars below it if asked for."""
    named = {"score": record.scores}
    if record.scores_without_bars:
        named = {"without bars": record.scores_without_bars, "with bars": record.scores}
    return _lines(named, record.n, record.protocol_name, record.controls)


def record_lines(record: Record) -> str:
    """The scores of a record under its label, or the distance that it holds."""
    if record.distance is not None:
        return distance_lines(record.distance)
    psi = "" if record.truncation is None else f", psi {record.truncation:g}"
    return _lines(
        {record.label + psi: record.scores}, record.n, record.protocol_name, record.controls
    )


def scores_json(record: Record) -> dict[str, Any]:
    """``{"scores": {key: {"value", "low", "high"}}, "n", "protocol"}``, controls and warnings.

    Where letterbox bars are left out, ``scores`` is without them, ``scores_with_bars`` with them.
    """
    content = {
        "scores": _estimates(record.scores_without_bars or record.scores),
        "n": record.n,
        "protocol": record.protocol_name,
        "controls": {name: _estimates(scores) for name, scores in record.controls.items()},
        "warnings": record.warnings,
    }
    if record.scores_without_bars:
        content["scores_with_bars"] = _estimates(record.scores)
    return content


def _estimates(scores: dict[str, Estimate]) -> dict[str, Any]:
    return {key: asdict(estimate) for key, estimate in scores.items()}


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
    plural = "" if kernel.num_subsets == 1 else "s"
    of = f"({kernel.num_subsets} subset{plural} of {kernel.subset_size})"
    spread = "" if kernel.std is None else f" ± {kernel.std:.6f}"
    return f"{kernel.mean:.6f}{spread} {of}"


def _lines(
    named: dict[str, dict[str, Estimate]],
    n: int,
    protocol: str,
    controls: dict[str, dict[str, Estimate]],
) -> str:
    keys = sorted(next(iter(named.values())), key=METRICS.order)
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
