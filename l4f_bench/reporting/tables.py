"""Records lined up with the published rows of a table of mask scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import BenchError, InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.protocols import Protocol
from l4f_bench.metrics.scores import METRICS, TABLE_METRICS
from l4f_bench.reporting.published import TABLES, PublishedRow, TableSpec

PAPER_PROTOCOL = "l4f"
_ONE_MODEL = {"mask-rcnn", "detectron2"}  # the same weights on two programs


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One number of a table: published, measured, and how far apart they are."""

    metric: str
    published: float | None
    """The paper's number, fg and bg put right; None where the paper has no such row."""
    measured: float | None
    low: float | None = None
    high: float | None = None
    difference: float | None = None
    """Measured minus published."""
    reason: str | None = None
    """Why ``measured`` or ``difference`` is missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableRow:
    """A published row beside one record, or either alone."""

    method: str
    title: str
    """Method as tables name it."""
    dataset: str
    dataset_title: str
    truncation: float | None
    published: PublishedRow | None
    label: str | None
    """What was measured, in the record's words."""
    n: int | None
    protocol: Protocol | None
    controls: dict[str, dict[str, Estimate]]
    """Scores of masks that never look, by control."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of the paper, or of a data set that it has none of, with what was measured."""

    name: str
    """Stem of its files."""
    title: str
    spec: TableSpec | None
    """The paper's table; None for one of ours."""
    metrics: tuple[str, ...]
    """Its columns."""
    rows: tuple[TableRow, ...]


def build_tables(records: list[Record]) -> list[Table]:
    """The tables that at least one of the records belongs in.

    Those of the paper come first, then one for each data set of records that belong in none.
    """
    left = [
        record
        for record in records
        if record.subset == "all" and record.images and record.piece is None
    ]
    tables = []
    for spec in TABLES:
        own = [record for record in left if _belongs(record, spec)]
        left = [record for record in left if record not in own]
        if own:
            title = f"Table {spec.number}: {spec.title}"
            tables.append(_table(f"table{spec.number}", title, spec, own))
    for dataset in sorted({record.dataset for record in left}, key=DATASETS.order):
        own = [record for record in left if record.dataset == dataset]
        title = f"{own[0].dataset_title}: scores of masks"
        tables.append(_table(_slug(dataset, {table.name for table in tables}), title, None, own))
    return tables


def check_deviations(tables: list[Table], tolerance: float) -> None:
    """Raise if measured cells differ from their published ones by more than ``tolerance``.

    Raises:
        BenchError: Some do; each is named.
        InputError: No cell could be compared, so the check would mean nothing.
    """
    compared = [
        (row, cell)
        for table in tables
        for row in table.rows
        for cell in row.cells
        if cell.difference is not None
    ]
    if not compared:
        raise InputError("Nothing to check: no measured cell has a published counterpart.")
    found = [(row, cell) for row, cell in compared if abs(cell.difference or 0.0) > tolerance]
    if found:
        cells = "; ".join(
            f"{row.title} {row.dataset_title} {cell.metric} "
            f"{cell.measured:.4f} against {cell.published:.2f}"
            for row, cell in found
        )
        raise BenchError(f"{len(found)} cells differ by more than {tolerance:g}: {cells}.")


def _belongs(record: Record, spec: TableSpec) -> bool:
    return (
        record.setting == spec.setting
        and record.dataset in {row.dataset for row in spec.published}
        and spec.truth in (None, record.truth)
    )


def _slug(name: str, taken: set[str]) -> str:
    """A name for files that says the data set, whatever characters that has."""
    slug = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:60] or "table"
    number = 2
    while slug in taken:
        slug, number = f"{slug}-{number}", number + 1
    return slug


def _table(name: str, title: str, spec: TableSpec | None, records: list[Record]) -> Table:
    metrics = _metrics(records)
    rows = tuple(_rows(spec.published if spec else (), records, metrics))
    return Table(name=name, title=title, spec=spec, metrics=metrics, rows=rows)


def _metrics(records: list[Record]) -> tuple[str, ...]:
    """The paper's columns, and then what else the records' protocols report."""
    others = {key for record in records for key in record.scores} - {*TABLE_METRICS}
    return (*TABLE_METRICS, *sorted(others, key=METRICS.order))


def _rows(
    published: Sequence[PublishedRow], records: list[Record], metrics: tuple[str, ...]
) -> list[TableRow]:
    """Rows of the paper with the records of each, then the others; strangers' come last."""
    rows = []
    left = list(records)
    for row in published:
        matching = [record for record in records if _key(record) == _key(row)]
        left = [record for record in left if record not in matching]
        rows += [_row(row, record, metrics) for record in matching] or [_row(row, None, metrics)]
    left.sort(key=lambda record: record.method not in METHODS)
    return rows + [_row(None, record, metrics) for record in left]


def _key(entry: Record | PublishedRow) -> tuple[str, str, float | None]:
    method = "detectron2" if entry.method in _ONE_MODEL else entry.method
    return entry.dataset, method, entry.truncation


def _row(
    published: PublishedRow | None, record: Record | None, metrics: tuple[str, ...]
) -> TableRow:
    entry, named = record or published, published or record
    assert entry is not None, "a row stands for something"
    assert named is not None
    return TableRow(
        method=entry.method,
        title=named.method_title,
        dataset=entry.dataset,
        dataset_title=named.dataset_title,
        truncation=entry.truncation,
        published=published,
        label=record.label if record else None,
        n=record.n if record else None,
        protocol=record.protocol if record else None,
        controls=record.controls if record else {},
        cells=tuple(_cell(metric, published, record) for metric in metrics),
    )


def _cell(metric: str, published: PublishedRow | None, record: Record | None) -> Cell:
    target = published.value(metric) if published and metric in TABLE_METRICS else None
    if record is None:
        return Cell(metric=metric, published=target, measured=None, reason="no record given")
    score = record.scores.get(metric)
    if score is None:
        reason = f"protocol {record.protocol_name} has no such score"
        return Cell(metric=metric, published=target, measured=None, reason=reason)
    if score.value is None:
        reason = "undefined: the images or masks lack a class"
        return Cell(metric=metric, published=target, measured=None, reason=reason)
    difference, reason_apart = None, None
    if target is None:
        reason_apart = "the paper has no such row"
    elif record.protocol_name != PAPER_PROTOCOL:
        reason_apart = f"protocol {record.protocol_name} is not the paper's"
    elif not _judged_as_published(record):
        reason_apart = f"the paper's masks are not those of {record.truth} here"
    else:
        difference = score.value - target
    return Cell(
        metric=metric,
        published=target,
        measured=score.value,
        low=score.low,
        high=score.high,
        difference=difference,
        reason=reason_apart,
    )


def _judged_as_published(record: Record) -> bool:
    """Whether samples were scored against the annotator of the paper, all its classes."""
    if record.annotator is None:
        return True
    usual = DATASETS.get(record.dataset).annotator
    same = record.truth == usual or {record.truth, usual} <= _ONE_MODEL
    return same and not record.annotator.foreground_chosen
