"""The same counts of pixels under every protocol that they allow, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.intervals import Estimate, estimate
from l4f_bench.metrics.protocols import PROTOCOLS, Protocol
from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.runs import Entry, entries, shown_name
from l4f_bench.reporting.sections import MISSING, Section
from l4f_bench.reporting.tables import Table, TableRow

_USUAL = ("iou_fg", "miou", "f1")


def protocols_section(tables: Sequence[Table], look: Look) -> Section | None:
    """A section of a report, means over runs; None where no record holds counts.

    A score that a protocol takes from every threshold (max F-beta) is left out: counts are those
    of one threshold. Every other one of the protocol is there at full precision for machines.
    """
    found = [entry for table in tables for entry in entries(table.rows, each_run=look.each_run)]
    found = [entry for entry in found if entry.first.record is not None]
    if not found:
        return None
    protocols = _protocols(found)
    metrics = look.metrics or _USUAL
    scored = [(entry, _scores(entry.rows, protocols)) for entry in found]
    return Section(
        name="protocols",
        title="The same masks under every protocol",
        headers=("Method", "Data set", "psi", "Score", *(entry.name for entry in protocols)),
        lines=[line for entry, scores in scored for line in _lines(entry, scores, metrics, look)],
        notes=tuple(f"Protocol {p.name}: {p.title} ({p.source})." for p in protocols),
        rows=[row for entry, scores in scored for row in _rows(entry, scores)],
    )


_Scores = dict[str, list[dict[str, Estimate]]]
"""For each protocol the scores of each run."""


def _protocols(found: Sequence[Entry]) -> list[Protocol]:
    """Those known here, and then those of records from elsewhere."""
    records = [entry.first.record for entry in found]
    others = [record.protocol for record in records if record and record.protocol]
    known = {protocol.name: protocol for protocol in (*others, *PROTOCOLS)}
    return sorted(known.values(), key=lambda protocol: PROTOCOLS.order(protocol.name))


def _scores(rows: Sequence[TableRow], protocols: Sequence[Protocol]) -> _Scores:
    records = [row.record for row in rows if row.record is not None]
    return {p.name: [_scored(record, p) for record in records] for p in protocols}


def _scored(record: Record, protocol: Protocol) -> dict[str, Estimate]:
    return estimate(protocol, record.counts(), seed=record.seed)


def _lines(entry: Entry, scores: _Scores, metrics: Sequence[str], look: Look) -> list[list[str]]:
    row = entry.first
    name = f"{shown_name(row)} ({entry.name})" if entry.name else shown_name(row)
    psi = "" if row.truncation is None else f"{row.truncation:g}"
    head = [name, row.dataset_title, psi]
    lines: list[list[str]] = []
    for metric in metrics:
        cells = [_cell([run.get(metric) for run in runs], look.digits) for runs in scores.values()]
        if any(cell != MISSING for cell in cells):
            lines.append([*(["", "", ""] if lines else head), metric_spec(metric).title, *cells])
    return lines


def _cell(found: Sequence[Estimate | None], digits: int) -> str:
    values = [score.value for score in found if score is not None and score.value is not None]
    return MISSING if len(values) < len(found) else f"{sum(values) / len(values):.{digits}f}"


def _rows(entry: Entry, scores: _Scores) -> list[dict[str, Any]]:
    """For machines a row for each run, protocol and score."""
    records = [row.record for row in entry.rows if row.record is not None]
    return [
        {
            "dataset": record.dataset, "method": record.method, "truncation": record.truncation,
            "label": record.label, "seed": record.seed, "protocol": name, "metric": metric,
            "value": score.value, "low": score.low, "high": score.high, "n": record.n,
        }
        for name, runs in scores.items()
        for record, run in zip(records, runs, strict=True)
        for metric, score in run.items()
    ]  # fmt: skip
