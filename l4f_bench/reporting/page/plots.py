"""Plots of a page as numbers: the template turns them into SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.counts import FN, FP, TP, counts_from_level
from l4f_bench.metrics.scores import FloatArray

_BINS = 20
_MARGIN = 0.05  # of a scale, on either side of what stands on it


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """An interval on a scale; places are percentages of its width."""

    value: float
    low: float | None
    high: float | None
    zero: float | None = None
    """Where 0 is, if it is on the scale of differences."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From what number to what number bars reach."""

    low: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Scale:
        """One that holds all numbers."""
        low, high = min(numbers, default=0.0), max(numbers, default=1.0)
        reach = (high - low) * _MARGIN or 0.01
        return cls(low - reach, high + reach)

    def bar(self, value: float, low: float | None, high: float | None) -> Bar:
        """A value with its interval; where all numbers have a sign, 0 is shown as well."""
        zero = self.place(0.0) if self.low < 0 < self.high else None
        ends = [None if end is None else self.place(end) for end in (low, high)]
        return Bar(value=self.place(value), low=ends[0], high=ends[1], zero=zero)

    def place(self, number: float) -> float:
        """Percentage of the width at which a number stands."""
        return round(100 * (number - self.low) / (self.high - self.low), 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Histogram:
    """How many images have which score."""

    heights: tuple[float, ...]
    """Percentages of the highest bar, from score 0 to 1."""
    counts: tuple[int, ...]
    median: float
    num_images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A score over the thresholds."""

    points: str
    """Of a polyline, 100 wide and 50 high."""
    best: float
    """The highest score."""
    best_threshold: float
    """Where that is, as a share of the range of grey levels."""
    used: float | None
    """The threshold that the record's scores are of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """What became of the images that were looked at."""

    rows: tuple[tuple[str, int, float], ...]
    """Name, number, percentage of all."""


def score_histogram(record: Record) -> Histogram | None:
    """Foreground IoU of each image; None where no image has one."""
    counts = record.counts()
    union = counts[:, [TP, FP, FN]].sum(1)
    scores = counts[union > 0, TP] / union[union > 0]
    if not len(scores):
        return None
    found, _ = np.histogram(scores, bins=_BINS, range=(0, 1))
    return Histogram(
        heights=tuple(round(100 * number / found.max(), 2) for number in found.tolist()),
        counts=tuple(found.tolist()),
        median=float(np.median(scores)),
        num_images=len(scores),
    )


def threshold_curve(record: Record) -> Curve | None:
    """Foreground IoU of all pixels at each of the 255 thresholds; None without levels."""
    if record.levels is None:
        return None
    counts = counts_from_level(np.array(record.levels, np.int64)).astype(np.float64)
    union = counts[:, [TP, FP, FN]].sum(1)
    iou: FloatArray = np.divide(counts[:, TP], union, out=np.zeros(len(union)), where=union > 0)
    thresholds = (np.arange(len(iou)) + 0.5) / len(iou)
    points = [
        f"{100 * at:.2f},{50 * (1 - score):.2f}"
        for at, score in zip(thresholds.tolist(), iou.tolist(), strict=True)
    ]
    best = int(iou.argmax())
    return Curve(
        points=" ".join(points),
        best=float(iou[best]),
        best_threshold=float(thresholds[best]),
        used=record.threshold,
    )


def rejection_shares(scored: int, rejected: Mapping[str, int]) -> Shares | None:
    """How many images were scored, and how many rejected why; None where none was."""
    if not rejected:
        return None
    ordered = sorted(rejected.items(), key=lambda entry: -entry[1])
    rows = [("scored", scored), *ordered]
    total = max(sum(number for _, number in rows), 1)
    return Shares(rows=tuple((name, n, round(100 * n / total, 2)) for name, n in rows))
