"""Pixel counts per image, from which every score is derived."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from l4f_bench.arrays import check_same_shape

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

TP, FP, FN, TN = range(4)
COUNT_NAMES = ("tp", "fp", "fn", "tn")
NUM_LEVELS = 256


def count_pixels(preds: BoolArray, target: BoolArray) -> IntArray:
    """True positives, false positives, false negatives and true negatives of one image.

    Args:
        preds: Predicted mask, bool ``[H, W]``, True = foreground.
        target: True mask of the same shape.

    Returns:
        int64 ``[4]`` in the order tp, fp, fn, tn; they sum to ``H * W``.

    Raises:
        InputError: The shapes differ.
    """
    check_same_shape(preds, target)
    tp = np.count_nonzero(preds & target)
    num_preds, num_target = np.count_nonzero(preds), np.count_nonzero(target)
    fp, fn = num_preds - tp, num_target - tp
    return np.array([tp, fp, fn, preds.size - tp - fp - fn], dtype=np.int64)


def count_levels(preds: npt.NDArray[np.uint8], target: BoolArray) -> IntArray:
    """Histogram of a soft prediction's grey levels on each true class of one image.

    It holds the counts of every threshold at once: see :func:`counts_from_level`.

    Args:
        preds: Grey levels, uint8 ``[H, W]``.
        target: True mask, bool ``[H, W]``.

    Returns:
        int64 ``[2, 256]``; row 0 on true background, row 1 on true foreground.

    Raises:
        InputError: The shapes differ.
    """
    check_same_shape(preds, target)
    everywhere = np.bincount(preds.ravel(), minlength=NUM_LEVELS)
    foreground = np.bincount(preds[target], minlength=NUM_LEVELS)
    return np.stack([everywhere - foreground, foreground])


def counts_from_level(levels: IntArray) -> IntArray:
    """Confusion counts at each of the 255 thresholds "grey level >= t", t = 1 to 255.

    Args:
        levels: Histograms of :func:`count_levels`, int64 ``[..., 2, 256]``.

    Returns:
        int64 ``[..., 255, 4]`` in the order tp, fp, fn, tn; entry k belongs to t = k + 1.
    """
    at_least = np.cumsum(levels[..., ::-1], axis=-1)[..., ::-1]
    fp, tp = at_least[..., 0, 1:], at_least[..., 1, 1:]
    fn, tn = at_least[..., 1, :1] - tp, at_least[..., 0, :1] - fp
    return np.stack([tp, fp, fn, tn], axis=-1)
