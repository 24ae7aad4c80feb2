"""Streamed moments are those of NumPy on all data at once, however the data is cut."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from l4f_bench.errors import InputError
from l4f_bench.metrics.moments import DIVISORS, Moments

FEATURES = np.random.default_rng(0).standard_normal((97, 12)).astype(np.float32) * 3 + 50


def streamed(parts: list[np.ndarray]) -> Moments:
    moments = Moments(12)
    for part in parts:
        moments.update(part)
    return moments


@given(st.lists(st.integers(0, 97), max_size=8))
def test_any_cut_gives_numpys_mean_and_covariance(cuts: list[int]) -> None:
    moments = streamed(np.split(FEATURES, sorted(cuts)))
    data = FEATURES.astype(np.float64)
    assert moments.count == 97
    assert np.allclose(moments.mean, data.mean(0), rtol=1e-13)
    for divisor in DIVISORS:
        expected = np.cov(data, rowvar=False, ddof=1 if divisor == "n-1" else 0)
        covariance = moments.gaussian(divisor).covariance
        assert np.allclose(covariance, expected, rtol=1e-11, atol=1e-12), divisor


@given(st.integers(0, 97), st.integers(0, 97))
def test_shards_merge_to_the_whole(first: int, second: int) -> None:
    shards = [streamed([part]) for part in np.split(FEATURES, sorted((first, second)))]
    merged = Moments(12)
    for shard in shards:
        merged.merge(shard)
    whole = streamed([FEATURES])
    assert merged.count == whole.count
    assert np.allclose(merged.mean, whole.mean, rtol=1e-13)
    assert np.allclose(merged.scatter, whole.scatter, rtol=1e-11, atol=1e-9)


def test_a_far_mean_costs_no_precision() -> None:
    data = np.random.default_rng(1).standard_normal((5000, 3))
    moments = Moments(3)
    for part in np.split(data + 1e6, 100):
        moments.update(part)
    expected = np.cov(data, rowvar=False)
    assert np.allclose(moments.gaussian().covariance, expected, rtol=1e-8, atol=1e-9)


def test_memory_does_not_grow_with_the_number_of_images() -> None:
    def peak(batches: int) -> int:
        moments = Moments(64)
        batch = np.ones((50, 64), np.float32)
        tracemalloc.start()
        for _ in range(batches):
            moments.update(batch)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(200) < peak(5) * 1.2 + 20_000


def test_features_of_another_kind_are_refused() -> None:
    moments = Moments(4)
    with pytest.raises(InputError, match=r"\[2, 5\] came where \[N, 4\]"):
        moments.update(np.zeros((2, 5)))
    with pytest.raises(InputError, match="NaN"):
        moments.update(np.array([[0, 0, 0, np.nan]]))
    with pytest.raises(InputError, match="dimension 5 and 4"):
        moments.merge(Moments(5))
    moments.update(np.zeros((1, 4)))
    with pytest.raises(InputError, match="two images or more; got 1"):
        moments.gaussian()
    with pytest.raises(InputError, match="Did you mean 'n-1'"):
        moments.gaussian("n-2")
