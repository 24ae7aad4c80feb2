from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import count_levels, count_pixels, counts_from_level

MASKS = hnp.arrays(bool, (5, 7))
LEVELS = hnp.arrays(np.uint8, (5, 7))


def drawn(*rows: str) -> np.ndarray:
    """A mask drawn with # for foreground."""
    return np.array([[character == "#" for character in row] for row in rows])


def test_counts_by_hand() -> None:
    preds = drawn("##..", "##..", "....")
    target = drawn(".##.", ".##.", ".##.")
    assert count_pixels(preds, target).tolist() == [2, 2, 4, 4]


@given(MASKS, MASKS)
def test_counts_sum_to_the_number_of_pixels(preds: np.ndarray, target: np.ndarray) -> None:
    counts = count_pixels(preds, target)
    assert counts.dtype == np.int64
    assert counts.sum() == preds.size


@given(MASKS, MASKS)
def test_swapping_prediction_and_truth_swaps_fp_and_fn(
    preds: np.ndarray, target: np.ndarray
) -> None:
    tp, fp, fn, tn = count_pixels(preds, target)
    assert count_pixels(target, preds).tolist() == [tp, fn, fp, tn]


@given(LEVELS, MASKS, st.integers(1, 255))
def test_level_counts_hold_the_counts_of_every_threshold(
    preds: np.ndarray, target: np.ndarray, level: int
) -> None:
    every = counts_from_level(count_levels(preds, target))
    assert every.shape == (255, 4)
    assert every[level - 1].tolist() == count_pixels(preds >= level, target).tolist()


def test_masks_of_two_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="differ"):
        count_pixels(drawn("##"), drawn("##", ".."))
