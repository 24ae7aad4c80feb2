"""Protocols: how the counts of many images become one line of scores.

Every protocol reports the columns of the paper's tables; those that its source does not report
are computed with the same pooling, so that rows of different protocols can stand side by side.

Empty masks: each protocol keeps its source's answer for a single image. A class that no
prediction and no truth of the whole set has leaves its scores undefined (NaN) in all of them.
The tiny constants that the sources add to denominators are taken in the limit 0: they decide
what 0/0 is worth and nothing else (the constant of ``l4f`` would lower F1 by 5e-5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from l4f_bench.metrics.counts import FN, FP, TN, TP, counts_from_level
from l4f_bench.metrics.scores import (
    TABLE_METRICS,
    Counts,
    Empty,
    FloatArray,
    class_scores,
    divide,
    f_beta,
)
from l4f_bench.registry import Registry

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class FMeasure:
    """The best F-beta over the 255 thresholds ``alpha > k / 255``, k = 0 to 254."""

    beta_sq: float
    """Weight of recall against precision, squared as the source's code has it."""
    best_of: Literal["mean", "image"]
    """``mean``: average the curves over images, then take the best threshold;
    ``image``: take each image's best threshold, then average."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Protocol:
    """A convention for scoring a set of masks."""

    name: str
    """Key on the command line and in records."""
    title: str
    """One sentence for captions."""
    source: str
    """Where the convention comes from."""
    pooling: Literal["set", "image"]
    """``set``: one confusion matrix over all pixels; ``image``: mean of per-image scores."""
    classes: Literal["both", "foreground"]
    """Classes over which F1, precision and recall are averaged."""
    empty: Empty
    """What 0/0 is worth within one image."""
    f_measure: FMeasure | None = None
    """Adds ``max_f_beta``, which needs soft predictions."""
    image_extras: bool = False
    """Adds per-image foreground IoU and Dice to pooled scores."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """Keys of the scores, table columns first."""
        extras: tuple[str, ...] = ("max_f_beta",) if self.f_measure else ()
        return (
            TABLE_METRICS + extras + (("iou_fg_image", "dice_image") if self.image_extras else ())
        )


PROTOCOLS: Registry[Protocol] = Registry("protocol", group="l4f_bench.protocols")
PROTOCOLS.add(
    Protocol(
        name="l4f",
        title="one confusion matrix over the set, both classes averaged",
        source="Labels4Free (ICCV 2021), evaluation script",
        pooling="set",
        classes="both",
        empty=Empty(iou=None, ratio=0.0),
    )
)
PROTOCOLS.add(
    Protocol(
        name="voynov",
        title="mean of per-image foreground scores, best threshold of the mean F-beta curve",
        source="BigGANsAreWatching (ICML 2021), metrics",
        pooling="image",
        classes="foreground",
        # Its mean IoU is NaN as soon as one image has no object in prediction and truth; here
        # such an image is left out of that mean.
        empty=Empty(iou=None, ratio=1.0),
        f_measure=FMeasure(beta_sq=0.3, best_of="mean"),
    )
)
PROTOCOLS.add(
    Protocol(
        name="selfmask",
        title="mean of per-image foreground scores, mean of per-image best F-beta",
        source="SelfMask (CVPR workshops 2022), metrics; its code squares beta**2 = 0.3 again",
        pooling="image",
        classes="foreground",
        empty=Empty(iou=0.0, ratio=0.0),
        f_measure=FMeasure(beta_sq=0.3**2, best_of="image"),
    )
)
PROTOCOLS.add(
    Protocol(
        name="drc",
        title="pooled foreground scores, with per-image foreground IoU and Dice beside them",
        source="ReDO, DRC and ILSGAN evaluation code",
        pooling="set",
        classes="foreground",
        empty=Empty(iou=0.0, ratio=0.0),
        image_extras=True,
    )
)

_POOLED_EMPTY = Empty(iou=None, ratio=0.0)


def image_statistics(
    protocol: Protocol, counts: IntArray, levels: IntArray | None = None
) -> FloatArray:
    """What one image adds to a protocol's sums besides its counts.

    Args:
        protocol: The protocol.
        counts: int64 ``[N, 4]`` (tp, fp, fn, tn) of each image.
        levels: int64 ``[N, 2, 256]``, needed by protocols with an F-measure.

    Returns:
        float64 ``[N, S]``; sums of rows go into :func:`finish`. S depends on the protocol and
        is 0 where the pooled counts say all.
    """
    parts = [np.empty((len(counts), 0))]
    if protocol.pooling == "image":
        values = np.stack(list(table_scores(counts, protocol).values()), axis=-1)
        defined = ~np.isnan(values)
        parts += [np.where(defined, values, 0.0), defined.astype(np.float64)]
    if protocol.image_extras:
        scores = class_scores(counts, protocol.empty)
        parts.append(np.stack([scores["iou"][..., 1], scores["f1"][..., 1]], axis=-1))
    if protocol.f_measure and levels is not None:
        parts.append(_f_statistics(protocol, protocol.f_measure, levels))
    return np.concatenate(parts, axis=-1)


def finish(
    protocol: Protocol, counts: FloatArray, statistics: FloatArray, num_images: int
) -> dict[str, FloatArray]:
    """Scores of a set from the sums over its images.

    Args:
        protocol: The protocol.
        counts: Summed counts ``[..., 4]``.
        statistics: Summed :func:`image_statistics` ``[..., S]``.
        num_images: Number of images summed.

    Returns:
        One float64 array ``[...]`` per key of ``protocol.metrics``; NaN where undefined.
    """
    start = 0
    if protocol.pooling == "set":
        scores = table_scores(counts, protocol, pooled=True)
    else:
        start = 2 * len(TABLE_METRICS)
        sums, defined = np.split(statistics[..., :start], 2, axis=-1)
        means = divide(sums, defined, np.nan)
        scores = {key: means[..., i] for i, key in enumerate(TABLE_METRICS)}
    if protocol.image_extras:
        scores["iou_fg_image"] = statistics[..., start] / num_images
        scores["dice_image"] = statistics[..., start + 1] / num_images
        start += 2
    if protocol.f_measure and statistics.shape[-1] > start:
        scores["max_f_beta"] = statistics[..., start:].max(axis=-1) / num_images
    return _undefine_absent(scores, counts, protocol)


def table_scores(
    counts: Counts, protocol: Protocol, *, pooled: bool = False
) -> dict[str, FloatArray]:
    """The columns of the paper's tables from counts.

    Args:
        counts: ``[..., 4]`` in the order tp, fp, fn, tn, of images or of whole sets.
        protocol: The protocol.
        pooled: The counts are of a whole set, where a class that is absent has no score.

    Returns:
        One float64 array ``[...]`` per column; NaN where undefined.
    """
    scores = class_scores(counts, _POOLED_EMPTY if pooled else protocol.empty)

    def average(key: str) -> FloatArray:
        return scores[key].mean(-1) if protocol.classes == "both" else scores[key][..., 1]

    return {
        "iou_fg": scores["iou"][..., 1],
        "iou_bg": scores["iou"][..., 0],
        "miou": scores["iou"].mean(-1),
        "f1": average("f1"),
        "precision": average("precision"),
        "recall": average("recall"),
        "accuracy": divide(counts[..., TP] + counts[..., TN], counts.sum(-1), np.nan),
    }


def _f_statistics(protocol: Protocol, measure: FMeasure, levels: IntArray) -> FloatArray:
    """The F-beta curve ``[N, 255]`` of each image, or its maximum ``[N, 1]``."""
    scores = class_scores(counts_from_level(levels), protocol.empty)
    curve = f_beta(scores["precision"][..., 1], scores["recall"][..., 1], measure.beta_sq)
    return curve if measure.best_of == "mean" else curve.max(-1, keepdims=True)


def _undefine_absent(
    scores: dict[str, FloatArray], counts: FloatArray, protocol: Protocol
) -> dict[str, FloatArray]:
    """Set scores that rest on a class which the whole set lacks to NaN."""
    no_foreground = counts[..., [TP, FP, FN]].sum(-1) == 0
    no_background = counts[..., [TN, FP, FN]].sum(-1) == 0
    either = no_foreground | no_background
    absent = {"accuracy": np.zeros_like(either), "iou_bg": no_background, "miou": either}
    if protocol.classes == "both":
        absent |= {"f1": either, "precision": either, "recall": either}
    return {
        key: np.where(absent.get(key, no_foreground), np.nan, values)
        for key, values in scores.items()
    }
