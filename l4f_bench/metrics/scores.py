"""Scores of confusion counts, and the table columns they fill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l4f_bench.metrics.counts import FN, FP, TN, TP
from l4f_bench.registry import Registry

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64] | FloatArray


@dataclass(frozen=True, kw_only=True, slots=True)
class MetricSpec:
    """One score: its key in records, its column title, and how a table prints it."""

    name: str
    """Key in records and ``--json``."""
    title: str
    """Column title, as the paper writes it where the paper has it."""
    digits: int = 2
    """Digits after the point in tables."""


METRICS: Registry[MetricSpec] = Registry("metric")
for _spec in (
    MetricSpec(name="iou_fg", title="IOU fg"),
    MetricSpec(name="iou_bg", title="IOU bg"),
    MetricSpec(name="miou", title="mIOU"),
    MetricSpec(name="f1", title="F1"),
    MetricSpec(name="precision", title="Prec"),
    MetricSpec(name="recall", title="Rec"),
    MetricSpec(name="accuracy", title="Acc"),
    MetricSpec(name="max_f_beta", title="max F-beta"),
    MetricSpec(name="iou_fg_image", title="IOU fg per image"),
    MetricSpec(name="dice_image", title="Dice per image"),
):
    METRICS.add(_spec)


def metric_spec(name: str) -> MetricSpec:
    """The score of that key; one that is not known here is called by its key."""
    return METRICS.get(name) if name in METRICS else MetricSpec(name=name, title=name)


TABLE_METRICS = ("iou_fg", "iou_bg", "miou", "f1", "precision", "recall", "accuracy")
"""The columns of the paper's tables, which every protocol reports."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Empty:
    """What a ratio with denominator 0 is worth."""

    iou: float | None
    """IoU and F1 of a class that neither mask has; None leaves them undefined."""
    ratio: float
    """Precision of a class that is not predicted; recall of one that is not in the truth."""


def class_scores(counts: Counts, empty: Empty) -> dict[str, FloatArray]:
    """IoU, F1, precision and recall of both classes.

    Args:
        counts: ``[..., 4]`` in the order tp, fp, fn, tn.
        empty: The values of ratios with denominator 0.

    Returns:
        ``iou``, ``f1``, ``precision``, ``recall``: float64 ``[..., 2]`` in [0, 1], index 0
        background, 1 foreground.
    """
    counts = np.asarray(counts, dtype=np.float64)
    hits = counts[..., [TN, TP]]
    predicted = hits + counts[..., [FN, FP]]
    actual = hits + counts[..., [FP, FN]]
    absent = np.nan if empty.iou is None else empty.iou
    return {
        "iou": divide(hits, predicted + actual - hits, absent),
        "f1": divide(2 * hits, predicted + actual, absent),
        "precision": divide(hits, predicted, empty.ratio),
        "recall": divide(hits, actual, empty.ratio),
    }


def f_beta(precision: FloatArray, recall: FloatArray, beta_sq: float) -> FloatArray:
    """Weighted harmonic mean of precision and recall; 0 where both are 0."""
    return divide((1 + beta_sq) * precision * recall, beta_sq * precision + recall, 0.0)


def divide(numerator: Counts, denominator: Counts, empty: float) -> FloatArray:
    """``numerator / denominator``, and ``empty`` where the denominator is 0."""
    result: FloatArray = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), empty)
    np.divide(numerator, denominator, out=result, where=denominator != 0)
    return result
