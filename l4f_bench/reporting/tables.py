"""Records lined up with the published rows of a table of mask scores."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.scores import TABLE_METRICS
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
    dataset: str
    truncation: float | None
    published: PublishedRow | None
    label: str | None
    """What was measured, in the record's words."""
    n: int | None
    protocol: str | None
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """Method as tables name it."""
        return METHODS.get(self.method).title

    @property
    def dataset_title(self) -> str:
        """Data set as tables name it."""
        return DATASETS.get(self.dataset).title


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of the paper, or of ours, with what was measured."""

    spec: TableSpec
    rows: tuple[TableRow, ...]


def build_tables(records: list[Record]) -> list[Table]:
    """The tables that at least one of the records belongs in."""
    return [
        Table(spec=spec, rows=tuple(_rows(spec, [r for r in records if _belongs(r, spec)])))
        for spec in TABLES
        if any(_belongs(record, spec) for record in records)
    ]


def deviations(tables: list[Table], tolerance: float) -> list[tuple[TableRow, Cell]]:
    """Measured cells that differ from their published one by more than ``tolerance``.

    Raises:
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
    return [(row, cell) for row, cell in compared if abs(cell.difference or 0.0) > tolerance]


def _belongs(record: Record, spec: TableSpec) -> bool:
    return (
        record.setting in spec.settings
        and record.dataset in spec.datasets
        and record.subset == "all"  # parts are for the section on trust
    )


def _rows(spec: TableSpec, records: list[Record]) -> list[TableRow]:
    rows = []
    left = list(records)
    for published in spec.published:
        matching = [record for record in records if _key(record) == _key(published)]
        left = [record for record in left if record not in matching]
        rows += [_row(published, record) for record in matching] or [_row(published, None)]
    return rows + [_row(None, record) for record in left]


def _key(entry: Record | PublishedRow) -> tuple[str, str, float | None]:
    return entry.dataset, entry.method, entry.truncation


def _row(published: PublishedRow | None, record: Record | None) -> TableRow:
    entry = record or published
    assert entry is not None
    return TableRow(
        method=entry.method,
        dataset=entry.dataset,
        truncation=entry.truncation,
        published=published,
        label=record.label if record else None,
        n=record.n if record else None,
        protocol=record.protocol if record else None,
        cells=tuple(_cell(metric, published, record) for metric in TABLE_METRICS),
    )


def _cell(metric: str, published: PublishedRow | None, record: Record | None) -> Cell:
    target = published.value(metric) if published else None
    if record is None:
        return Cell(metric=metric, published=target, measured=None, reason="no record given")
    score = record.scores[metric]
    if score.value is None:
        reason = "undefined: the images or masks lack a class"
        return Cell(metric=metric, published=target, measured=None, reason=reason)
    difference, reason_apart = None, None
    if target is None:
        reason_apart = "the paper has no such row"
    elif record.protocol != PAPER_PROTOCOL:
        reason_apart = f"protocol {record.protocol} is not the paper's"
    elif not _judged_as_published(record):
        reason_apart = f"the paper's masks are not those of {record.annotation['name']} here"
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
    if record.setting != "sampled":
        return True
    usual = DATASETS.get(record.dataset).annotator
    same = record.truth == usual or {record.truth, usual} <= _ONE_MODEL
    asked = (record.config.get("sampled") or {}).get("annotator") or {}
    return same and not asked.get("foreground")
