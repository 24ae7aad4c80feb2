"""Which images are hard: scores by quarter of the images in size, place and contrast."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt

from l4f_bench.evaluation.difficulty import Difficulty
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.intervals import Estimate, estimate
from l4f_bench.reporting.sections import MISSING, Section

METRIC = "miou"
MIN_IMAGES = 40
"""Records of fewer images are left out: their quarters would say little."""
TRAITS = tuple(field.name for field in fields(Difficulty))
_HEADERS = ("Data set", "What", "psi", "Trait", "Lowest quarter", "Second", "Third", "Highest")
_NOTE = (
    "Mean IoU of a quarter of the images each, with 95% bootstrap intervals and the largest value "
    "of the trait in it. size: share of the image that is foreground; offset: distance of its "
    "centre from the image's, in sides; contrast: distance of the mean colours of foreground and "
    "background, in standard deviations of the background. All are measured with the record's own "
    "true masks, so with an annotator's where these count as true."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DifficultyRow:
    """One record's images by one trait."""

    dataset: str
    dataset_title: str
    method: str
    label: str
    truth: str
    truncation: float | None
    trait: str
    n: int
    """Images of which the trait is known."""
    ends: tuple[float, ...]
    """Largest value of the trait in each quarter."""
    scores: tuple[Estimate, ...]
    """Mean IoU of each quarter."""


def difficulty_rows(records: list[Record]) -> list[DifficultyRow]:
    """Scores by quarter of every record whose traits are known, by method."""
    whole = [record for record in records if record.subset == "all" and record.protocol]
    whole.sort(key=lambda record: (METHODS.order(record.method), record.truncation or 0))
    found = [_row(record, trait) for record in whole for trait in TRAITS]
    return [row for row in found if row is not None]


def _row(record: Record, trait: str) -> DifficultyRow | None:
    values = [getattr(entry, trait) for entry in record.images]
    known = np.array([index for index, value in enumerate(values) if value is not None], int)
    if len(known) < MIN_IMAGES:
        return None
    numbers = np.array([values[index] for index in known])
    quarters = np.array_split(np.argsort(numbers, kind="stable"), 4)
    counts = record.counts()[known]
    return DifficultyRow(
        dataset=record.dataset,
        dataset_title=record.dataset_title,
        method=record.method,
        label=record.label,
        truth=record.truth,
        truncation=record.truncation,
        trait=trait,
        n=len(known),
        ends=tuple(float(numbers[quarter].max()) for quarter in quarters),
        scores=tuple(_score(record, counts[quarter]) for quarter in quarters),
    )


def _score(record: Record, counts: npt.NDArray[np.int64]) -> Estimate:
    assert record.protocol is not None, "records with pixel counts have a protocol"
    return estimate(record.protocol, counts, None, seed=record.seed)[METRIC]


def difficulty_section(records: list[Record]) -> Section | None:
    """The section of a report; None where no record knows how hard its images are."""
    rows = difficulty_rows(records)
    if not rows:
        return None
    return Section(
        name="difficulty",
        title="Which images are hard",
        headers=_HEADERS,
        lines=[_line(row) for row in rows],
        notes=(_NOTE,),
        rows=[asdict(row) for row in rows],
    )


def _line(row: DifficultyRow) -> list[str]:
    return [
        row.dataset_title,
        row.label,
        "" if row.truncation is None else f"{row.truncation:g}",
        row.trait,
        *(_cell(score, end) for score, end in zip(row.scores, row.ends, strict=True)),
    ]


def _cell(score: Estimate, end: float) -> str:
    if score.value is None or score.low is None or score.high is None:
        return MISSING
    return f"{score.value:.3f} [{score.low:.3f}, {score.high:.3f}] to {end:.3g}"
