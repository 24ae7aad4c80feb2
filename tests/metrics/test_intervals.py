from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from l4f_bench.metrics.intervals import difference, estimate
from l4f_bench.metrics.protocols import PROTOCOLS

L4F = PROTOCOLS.get("l4f")


def some_counts(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.multinomial(1000, rng.dirichlet([4, 1, 1, 6], n))


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_the_same_seed_gives_the_same_interval(name: str) -> None:
    counts = some_counts(30)
    protocol = PROTOCOLS.get(name)
    first, second = estimate(protocol, counts, seed=3), estimate(protocol, counts, seed=3)
    assert first == second
    assert first != estimate(protocol, counts, seed=4)


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_the_interval_holds_the_score(name: str) -> None:
    for value in estimate(PROTOCOLS.get(name), some_counts(40)).values():
        assert value.low is not None
        assert value.low <= value.value <= value.high


def test_one_image_has_a_score_and_no_interval() -> None:
    score = estimate(PROTOCOLS.get("l4f"), some_counts(1))["miou"]
    assert score.value is not None
    assert score.low is None
    assert score.high is None


def test_equal_images_have_an_interval_of_no_width() -> None:
    counts = np.repeat(some_counts(1), 12, axis=0)
    score = estimate(PROTOCOLS.get("l4f"), counts)["iou_fg"]
    assert score.low == pytest.approx(score.value)
    assert score.high == pytest.approx(score.value)


def test_the_interval_of_a_pooled_score_agrees_with_scipy() -> None:
    counts = some_counts(60)

    def pooled_iou(tp: np.ndarray, fp: np.ndarray, fn: np.ndarray, axis: int) -> np.ndarray:
        tp, fp, fn = (part.sum(axis) for part in (tp, fp, fn))
        return tp / (tp + fp + fn)

    theirs = stats.bootstrap(
        tuple(counts[:, :3].T),
        pooled_iou,
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = estimate(PROTOCOLS.get("l4f"), counts, num_resamples=4000)["iou_fg"]
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.05 * width)


def test_differences_of_the_same_images_are_resampled_alike() -> None:
    rng = np.random.default_rng(3)
    one = rng.integers(1, 100, (60, 4))
    two = one + rng.integers(0, 3, (60, 4))
    paired = difference(L4F, two, one, paired=True)["miou"]
    alone = difference(L4F, two, one, paired=False)["miou"]
    points = [estimate(L4F, counts)["miou"].value for counts in (two, one)]
    assert points[0] is not None
    assert points[1] is not None
    assert paired.value == alone.value == pytest.approx(points[0] - points[1])
    assert paired.high - paired.low < (alone.high - alone.low) / 3  # type: ignore[operator]
    assert alone.low < paired.low <= paired.high < alone.high  # type: ignore[operator]
    same = difference(L4F, one, one, paired=True)["iou_fg"]
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_differences_need_images_and_pairs() -> None:
    one = np.ones((3, 4), dtype=np.int64)
    assert difference(L4F, one, one[:0], paired=True)["miou"].value is None
    with pytest.raises(ValueError, match="paired"):
        difference(L4F, one, one[:2], paired=True)
