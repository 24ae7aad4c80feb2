"""Records lined up with the published rows of a table of mask scores."""

from __future__ import annotations

import math
from dataclasses import dataclass

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import BenchError, InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.scores import METRICS, TABLE_METRICS, metric_spec
from l4f_bench.reporting.field import field_tables
from l4f_bench.reporting.published import PublishedRow, TableSpec, paper_tables
from l4f_bench.reporting.sections import file_stem

_ONE_MODEL = {"mask-rcnn", "detectron2"}  # the same weights on two programs
_MOST_METHODS = 10_000  # that are registered here


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One number of a table: published, measured, and how far apart they are."""

    metric: str
    published: float | None
    """The published number, fg and bg put right; None where none is printed."""
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
    record: Record | None
    """What was measured; None where nothing was."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Published numbers with what was measured, or what was measured where none are published."""

    name: str
    """Stem of its files."""
    title: str
    spec: TableSpec | None
    """The published table; None where there is none."""
    metrics: tuple[str, ...]
    """Its columns."""
    rows: tuple[TableRow, ...]

    def digits(self, metric: str) -> int:
        """Digits after the point of a score."""
        said = None if self.spec is None else self.spec.digits
        return metric_spec(metric).digits if said is None else said


def build_tables(records: list[Record]) -> list[Table]:
    """The tables that at least one of the records belongs in.

    Those of the paper come first and then the field's, one for each data set, and at last one for
    each data set of records that belong in none.
    """
    left = [
        record
        for record in records
        if record.subset == "all" and record.images and record.piece is None
    ]
    tables = []
    for spec in (*paper_tables(), *field_tables()):
        own = [record for record in left if _belongs(record, spec)]
        left = [record for record in left if record not in own]
        if own:
            tables.append(_table(spec.name, spec.title, spec, own))
    for dataset in sorted({record.dataset for record in left}, key=DATASETS.order):
        own = [record for record in left if record.dataset == dataset]
        title = f"{own[0].dataset_title}: scores of masks"
        tables.append(
            _table(file_stem(dataset, {table.name for table in tables}), title, None, own)
        )
    return tables


def check_tolerance(tolerance: float) -> None:
    """Raise unless differences can be compared with ``tolerance``.

    Raises:
        InputError: It is negative, infinite or no number.
    """
    if not 0 <= tolerance < math.inf:
        raise InputError(f"--check {tolerance:g} is out of range: use 0 or more, as 0.005.")


def check_deviations(tables: list[Table], tolerance: float) -> None:
    """Raise if measured cells differ from their published ones by more than ``tolerance``.

    Raises:
        BenchError: Some do; each is named.
        InputError: No cell could be compared, so the check would mean nothing.
    """
    compared = [
        (row, cell, table.digits(cell.metric))
        for table in tables
        for row in table.rows
        for cell in row.cells
        if cell.difference is not None
    ]
    if not compared:
        raise InputError("Nothing to check: no measured cell has a published counterpart.")
    found = [entry for entry in compared if abs(entry[1].difference or 0.0) > tolerance]
    if found:
        cells = "; ".join(
            f"{row.title} {row.dataset_title} {cell.metric} "
            f"{cell.measured:.4f} against {cell.published:.{digits}f}"
            for row, cell, digits in found
        )
        raise BenchError(f"{len(found)} cells differ by more than {tolerance:g}: {cells}.")


def _belongs(record: Record, spec: TableSpec) -> bool:
    return (
        record.setting == spec.setting
        and record.dataset in {row.dataset for row in spec.published}
        and spec.truth in (None, record.truth)
    )


def _table(name: str, title: str, spec: TableSpec | None, records: list[Record]) -> Table:
    metrics = _metrics(records)
    rows = tuple(_rows(spec, records, metrics))
    return Table(name=name, title=title, spec=spec, metrics=metrics, rows=rows)


def _metrics(records: list[Record]) -> tuple[str, ...]:
    """The columns of the paper, and then what else the records' protocols report."""
    others = {key for record in records for key in record.scores} - {*TABLE_METRICS}
    return (*TABLE_METRICS, *sorted(others, key=METRICS.order))


def _rows(
    spec: TableSpec | None, records: list[Record], metrics: tuple[str, ...]
) -> list[TableRow]:
    """Published rows with the records of each, and the others where they belong among them."""
    rows: list[TableRow] = []
    left = list(records)
    for row in () if spec is None else spec.published:
        matching = [record for record in records if _key(record) == _key(row)]
        left = [record for record in left if record not in matching]
        found: list[Record | None] = [*matching] or [None]
        rows += [_row(row, record, metrics, spec) for record in found]
    rows += [_row(None, record, metrics, spec) for record in left]
    return sorted(rows, key=lambda row: _place(row, spec))


def _place(row: TableRow, spec: TableSpec | None) -> tuple[object, ...]:
    """By data set, psi and method, as the paper has them; methods that nobody knows come last."""
    published = () if spec is None else spec.published
    datasets = [*dict.fromkeys(entry.dataset for entry in published)]
    known = row.published is not None or METHODS.is_ours(row.method)
    return (
        datasets.index(row.dataset) if row.dataset in datasets else len(datasets),
        not known,
        math.inf if row.truncation is None else row.truncation,
        _order_of_methods(published, row),
        row.title,
        *((row.record.label, row.record.seed) if row.record else ("", 0)),
    )


def _order_of_methods(published: tuple[PublishedRow, ...], row: TableRow) -> int:
    """Place of a method: that of its published row, else of any in the paper, else ours."""
    if row.published is not None:
        return published.index(row.published)
    paper = dict.fromkeys(entry.method for spec in paper_tables() for entry in spec.published)
    names = [*paper]
    place = names.index(row.method) if row.method in names else len(names)
    return len(published) + place * _MOST_METHODS + METHODS.order(row.method)


def _key(entry: Record | PublishedRow) -> tuple[str, str, float | None]:
    method = "detectron2" if entry.method in _ONE_MODEL else entry.method
    return entry.dataset, method, entry.truncation


def _row(
    published: PublishedRow | None,
    record: Record | None,
    metrics: tuple[str, ...],
    spec: TableSpec | None,
) -> TableRow:
    entry, named = record or published, published or record
    assert entry is not None, "a row stands for something"
    assert named is not None
    nothing = "the paper has no such row" if spec is None else spec.nothing
    return TableRow(
        method=entry.method,
        title=named.method_title,
        dataset=entry.dataset,
        dataset_title=named.dataset_title,
        truncation=entry.truncation,
        published=published,
        record=record,
        cells=tuple(_cell(metric, published, record, nothing) for metric in metrics),
    )


def _cell(metric: str, published: PublishedRow | None, record: Record | None, nothing: str) -> Cell:
    """One number; ``nothing`` is said where no published one stands for the record."""
    target = published.value(metric) if published else None
    if record is None:
        return Cell(metric=metric, published=target, measured=None, reason="no record given")
    score = record.scores.get(metric)
    if score is None:
        reason = f"protocol {record.protocol_name} has no such score"
        return Cell(metric=metric, published=target, measured=None, reason=reason)
    if score.value is None:
        reason = "undefined: the images or masks lack a class"
        return Cell(metric=metric, published=target, measured=None, reason=reason)
    unlike = nothing if published is None else _unlike(published, record)
    if unlike is None and target is None:
        unlike = "no such score is published"
    return Cell(
        metric=metric,
        published=target,
        measured=score.value,
        low=score.low,
        high=score.high,
        difference=None if unlike or target is None else score.value - target,
        reason=unlike,
    )


def _unlike(published: PublishedRow, record: Record) -> str | None:
    """Why a record's scores and published ones do not compare; None if they do."""
    if published.unlike is not None:
        return published.unlike
    if record.protocol_name != published.protocol:
        whose = f"that of the published numbers ({published.protocol})"
        whose = whose if published.table is None else "the paper's"
        return f"protocol {record.protocol_name} is not {whose}"
    if published.num_images not in (None, record.n):
        return (
            f"{record.n} images were scored, and for the published numbers {published.num_images}"
        )
    if record.parts:
        return f"the paper's masks are of all parts, not of {' and '.join(record.parts)} alone"
    if not _judged_as_published(record):
        return f"the paper's masks are not those of {record.truth} here"
    return None


def _judged_as_published(record: Record) -> bool:
    """Whether samples were scored against the annotator of the paper, all its classes."""
    if record.annotator is None:
        return True
    usual = DATASETS.get(record.dataset).annotator
    same = record.truth == usual or {record.truth, usual} <= _ONE_MODEL
    return same and not record.annotator.foreground_chosen
