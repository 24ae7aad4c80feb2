"""Rows of scores against the confusion matrices that could have given them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, differential_evolution

from l4f_bench.metrics.consistency import Classes, fit, scores_of_shares
from l4f_bench.metrics.protocols import PROTOCOLS, finish
from l4f_bench.metrics.scores import TABLE_METRICS

MATRIX = st.lists(st.integers(1, 10_000), min_size=4, max_size=4)
CLASSES = st.sampled_from(["both", "foreground"])


def scores(matrix: list[int], classes: Classes = "both") -> dict[str, float]:
    """What counting pixels gives."""
    tp, fp, fn, _ = matrix
    found = finish(PROTOCOLS.get("l4f"), np.array(matrix, float), np.empty(0), 1)
    if classes == "foreground":
        found |= {"precision": tp / (tp + fp), "recall": tp / (tp + fn)}
        found |= {"f1": 2 * tp / (2 * tp + fp + fn)}
    return {key: float(found[key]) for key in TABLE_METRICS}


@settings(max_examples=30, deadline=None)
@given(MATRIX, CLASSES)
def test_the_arithmetic_of_shares_agrees_with_counting(matrix: list[int], classes: Classes) -> None:
    exact = scores(matrix, classes)
    _, fp, fn, _ = matrix
    a, b, split = (np.array(x) for x in (exact["iou_fg"], exact["iou_bg"], fp / (fp + fn)))
    again = scores_of_shares(a, b, split, classes)
    assert {key: float(value) for key, value in again.items()} == pytest.approx(exact)


@settings(max_examples=12, deadline=None)
@given(
    MATRIX,
    CLASSES,
    st.integers(1, 4),
    st.lists(st.sampled_from(TABLE_METRICS), min_size=2, unique=True),
)
def test_what_one_confusion_matrix_gives_is_never_accused(
    matrix: list[int], classes: Classes, digits: int, keys: list[str]
) -> None:
    exact = scores(matrix, classes)
    printed = {key: round(exact[key], digits) for key in keys}
    assert fit(printed, 0.5 * 10**-digits, classes).wrong == {}


def test_foreground_iou_and_f1_begin_to_fail_where_their_formula_says() -> None:
    found = fit({"iou_fg": 0.5, "f1": 0.8}, 0.005, "foreground")
    off = brentq(lambda t: 2 * (0.5 + t) / (1.5 + t) - (0.8 - t), 0, 0.5)  # F1 = 2 IoU / (1 + IoU)
    assert found.fits_from == pytest.approx(off, abs=1e-6)
    ((low, high),) = found.wrong.values()
    assert set(found.wrong) == {"f1"}
    assert (low, high) == pytest.approx((2 * 0.495 / 1.495, 2 * 0.505 / 1.505), abs=1e-5)


def test_the_ious_fix_accuracy_and_the_wrong_cell_is_named() -> None:
    exact = scores([900, 30, 70, 4000])
    printed = {key: round(value, 3) for key, value in exact.items()} | {"accuracy": 0.9}
    found = fit(printed, 0.0005)
    ((low, high),) = found.wrong.values()
    assert set(found.wrong) == {"accuracy"}
    assert low - 1e-6 <= exact["accuracy"] <= high + 1e-6
    assert high - low < 0.003


def test_one_split_of_the_errors_must_give_precision_and_recall() -> None:
    """High precision and high recall of one class are each possible alone, with few errors not."""
    found = fit({"iou_fg": 0.5, "precision": 0.99, "recall": 0.99}, 0.005, "foreground")
    assert len(found.wrong) == 1
    assert found.fits_from > 0.1


@pytest.mark.parametrize("seed", [0, 1])
def test_the_search_finds_what_a_global_search_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exact = scores([int(n) for n in rng.integers(100, 10_000, 4)])
    printed = {key: float(np.clip(exact[key] + rng.normal(0, 0.01), 0, 1)) for key in TABLE_METRICS}

    def off(log_odds: np.ndarray) -> float:
        found = scores_of_shares(*(1 / (1 + np.exp(-x)) for x in log_odds))
        return max(abs(float(found[key]) - printed[key]) for key in printed)

    bounds = [(-5, 5)] * 3
    best = differential_evolution(off, bounds, seed=0, tol=1e-9, maxiter=150, polish=False)
    assert fit(printed, 1.0).fits_from == pytest.approx(best.fun, abs=1e-5)
