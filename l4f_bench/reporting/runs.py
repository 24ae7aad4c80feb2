"""Rows of a table that are runs of one and the same thing, drawn as mean and spread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev

from l4f_bench.annotators.choice import GIVEN
from l4f_bench.evaluation.records import Record
from l4f_bench.reporting.tables import Cell, TableRow

_OF_TRUTH = ("annotator", "screen", "target")
_SHORT = 6  # digits of a SHA-256 that tell files apart for people


@dataclass(frozen=True, kw_only=True, slots=True)
class Spread:
    """One number over runs."""

    value: float
    sd: float | None
    """Sample standard deviation over the runs; None of a single one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """What a reader's table shows as one row: a published row, a record, or some runs of it."""

    rows: tuple[TableRow, ...]
    """One for each run; alike in all but cells and records."""
    name: str
    """What tells these runs from others of the same method; empty where nothing has to."""

    @property
    def first(self) -> TableRow:
        """What all runs share."""
        return self.rows[0]

    @property
    def pooled(self) -> bool:
        """Whether there are several runs."""
        return len(self.rows) > 1

    def cell(self, metric: str) -> Cell:
        """The first run's cell of a score."""
        return next(cell for cell in self.first.cells if cell.metric == metric)

    def measured(self, metric: str) -> Spread | None:
        """Mean over the runs; None where one has no such score."""
        return self._spread(metric, "measured")

    def difference(self, metric: str) -> Spread | None:
        """Mean of measured minus published; None where they do not compare."""
        return self._spread(metric, "difference")

    @property
    def controls(self) -> list[str]:
        """Masks that never look, of which every run has the scores."""
        found = [row.record.controls for row in self.rows if row.record is not None]
        return [name for name in found[0] if all(name in other for other in found)] if found else []

    def control(self, name: str, metric: str) -> float | None:
        """Mean score of a control over the runs; None where one has none."""
        found = [row.record.controls[name].get(metric) for row in self.rows if row.record]
        values = [score.value for score in found if score is not None and score.value is not None]
        return fmean(values) if values and len(values) == len(found) else None

    def _spread(self, metric: str, part: str) -> Spread | None:
        cells = [cell for row in self.rows for cell in row.cells if cell.metric == metric]
        values = [value for cell in cells if (value := getattr(cell, part)) is not None]
        if not values or len(values) < len(self.rows):
            return None
        return Spread(value=fmean(values), sd=stdev(values) if len(values) > 1 else None)


def entries(rows: Iterable[TableRow], *, each_run: bool = False) -> list[Entry]:
    """Rows in their order, those of equal records once and runs of one thing together.

    Runs are records that are alike in everything that a row says, and differ in their seed or in
    the files of their weights. Whether training differed in more than its seed is not in a record.

    Args:
        rows: Rows of one table.
        each_run: Show each run alone, named by what tells it from the others.
    """
    groups: dict[object, list[TableRow]] = {}
    for index, row in enumerate(rows):
        key = index if row.record is None else _what(row.record)
        group = groups.setdefault(key, [])
        if not any(_equal(row, other) for other in group):
            group.append(row)
    found = []
    for group in groups.values():
        names = [_name(row, group) for row in group]
        if each_run or len(set(names)) < len(group):
            found += [Entry(rows=(row,), name=name) for row, name in zip(group, names, strict=True)]
        else:
            name = f"{len(group)} runs" if len(group) > 1 else ""
            found.append(Entry(rows=tuple(group), name=name))
    return found


def weights_of(record: Record) -> str | None:
    """SHA-256 of the file that makes the masks, where the record has one."""
    masks = [digest for name, digest in record.digests.items() if name.startswith("segmenter")]
    if record.config.get("segmenter") is not None:
        return masks[-1] if masks else None
    own = [digest for name, digest in record.digests.items() if name not in _OF_TRUTH]
    return own[-1] if own else record.digests.get("annotator")


def _what(record: Record) -> tuple[object, ...]:
    """What runs of one thing have in common."""
    images = record.images_digest if record.setting == "images" else None
    annotator = None if record.truth in GIVEN else record.digests.get("annotator")
    return (
        record.setting, record.method, record.method_title, record.dataset, record.label,
        record.truth, record.annotator, record.truncation, record.threshold, record.level,
        record.protocol, record.n, record.split, record.parts, tuple(record.digests), images,
        annotator,
    )  # fmt: skip


def _equal(one: TableRow, other: TableRow) -> bool:
    """Whether two rows are of one evaluation that was done or kept twice."""
    first, second = one.record, other.record
    return (
        first is not None
        and second is not None
        and (first.seed, first.digests, first.scores)
        == (second.seed, second.digests, second.scores)
        and first.images == second.images
    )


def _name(row: TableRow, group: list[TableRow]) -> str:
    """Seed and weights, as far as they differ within the group."""
    records = [other.record for other in group if other.record is not None]
    if row.record is None or len(records) < 2:
        return ""
    parts = []
    if len({record.seed for record in records}) > 1:
        parts.append(f"seed {row.record.seed}")
    if len({tuple(record.digests.values()) for record in records}) > 1:
        parts.append(f"weights {(weights_of(row.record) or 'unknown')[:_SHORT]}")
    return ", ".join(parts)


def run_names(found: Iterable[Entry]) -> list[str]:
    """For each pooled row, which runs it is of, as a note says it."""
    return [
        f"{entry.name} of {shown_name(entry.first)}{_psi(entry.first)}: "
        + "; ".join(_name(row, list(entry.rows)) for row in entry.rows)
        for entry in found
        if entry.pooled
    ]


def _psi(row: TableRow) -> str:
    return "" if row.truncation is None else f" at psi {row.truncation:g}"


def shown_name(row: TableRow) -> str:
    """The method, with what the record says of it."""
    if row.record is None or row.record.label.lower() == row.title.lower():
        return row.title
    label = row.record.label
    if label.lower().startswith(row.title.lower()):
        return row.title + label[len(row.title) :]
    return f"{row.title}: {label}"
