"""The Fréchet distance: recorded and exact values, other implementations, degenerate statistics."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.errors import InputError
from l4f_bench.metrics.frechet import frechet_distance
from l4f_bench.metrics.moments import Gaussian, Moments
from tests.goldens import GoldenCase, golden_case


@pytest.fixture(scope="module")
def golden() -> GoldenCase:
    return golden_case("frechet_64")


def fitted(features: np.ndarray, divisor: str = "n-1") -> Gaussian:
    moments = Moments(features.shape[1])
    moments.update(features)
    return moments.gaussian(divisor)


def random_features(n: int, d: int, seed: int, decay: float = 5.0) -> np.ndarray:
    source = np.random.default_rng(seed)
    mixing = np.linalg.qr(source.standard_normal((d, d)))[0] * np.exp(-decay * np.arange(d) / d)
    return source.standard_normal((n, d)) @ mixing + 0.1 * source.standard_normal(d)


def test_recorded_values_of_pytorch_fid_are_met(golden: GoldenCase) -> None:
    a, b = fitted(golden.arrays["in_a_64"]), fitted(golden.arrays["in_b_64"])
    outputs, meta = golden.arrays, golden.meta["outputs"]
    assert frechet_distance(a, b) == pytest.approx(
        float(outputs["out_fid_64"]), abs=meta["out_fid_64"]["atol"]
    )
    gap = a.mean - b.mean
    traces = [np.trace(a.covariance), np.trace(b.covariance), gap @ gap]
    assert np.abs(traces - outputs["out_trace_64"]).max() <= meta["out_trace_64"]["atol"]
    assert np.abs(a.mean - outputs["out_mu_a_64"]).max() <= 1e-9
    assert np.abs(a.covariance[::4, ::4] - outputs["out_sigma_a_64"]).max() <= 1e-9


def test_the_analytic_case_is_eight() -> None:
    a = Gaussian(np.zeros(4), np.eye(4))
    b = Gaussian(np.ones(4), 4 * np.eye(4))
    assert frechet_distance(a, b) == pytest.approx(8, abs=1e-12)


@pytest.mark.parametrize("decay", [0.0, 5.0, 12.0])
def test_scipys_matrix_root_agrees(decay: float) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    a = fitted(random_features(400, 96, 0, decay))
    b = fitted(random_features(300, 96, 1, decay))
    root = np.trace(linalg.sqrtm(a.covariance @ b.covariance)).real
    gap = a.mean - b.mean
    expected = gap @ gap + np.trace(a.covariance) + np.trace(b.covariance) - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_pytorch_fids_own_function_agrees() -> None:
    try:
        from pytorch_fid.fid_score import calculate_frechet_distance
    except ImportError as error:
        pytest.skip(f"pytorch-fid cannot be imported: {error}")
    a, b = fitted(random_features(200, 64, 2)), fitted(random_features(200, 64, 3))
    try:
        expected = calculate_frechet_distance(a.mean, a.covariance, b.mean, b.covariance)
    except TypeError as error:
        pytest.skip(f"this SciPy lacks what pytorch-fid calls: {error}")
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_equal_statistics_are_exactly_zero_apart() -> None:
    features = random_features(50, 64, 4)
    assert frechet_distance(fitted(features), fitted(features.copy())) == 0.0


@pytest.mark.parametrize("n", [10, 80, 500])
def test_the_order_does_not_matter_to_the_last_bit(n: int) -> None:
    a, b = fitted(random_features(n, 64, 5)), fitted(random_features(300, 64, 6))
    assert frechet_distance(a, b) == frechet_distance(b, a)


def test_order_does_not_matter_where_means_and_variances_agree() -> None:
    a = Gaussian(np.zeros(3), np.eye(3) + 0.1 * (np.ones((3, 3)) - np.eye(3)))
    b = Gaussian(np.zeros(3), np.eye(3))
    assert frechet_distance(a, b) == frechet_distance(b, a) > 0


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 200), (20, 30), (3, 64)])
def test_covariances_of_low_rank_give_what_thin_factors_give(n: int, m: int) -> None:
    x, y = random_features(n, 64, 7), random_features(m, 64, 8)
    xc = (x - x.mean(0)) / np.sqrt(n - 1)
    yc = (y - y.mean(0)) / np.sqrt(m - 1)
    root = np.linalg.svd(xc @ yc.T, compute_uv=False).sum()  # tr (A B)^(1/2) from the data itself
    gap = x.mean(0) - y.mean(0)
    expected = gap @ gap + (xc**2).sum() + (yc**2).sum() - 2 * root
    assert frechet_distance(fitted(x), fitted(y)) == pytest.approx(expected, rel=1e-6)


def test_a_constant_set_has_a_distance() -> None:
    constant, other = np.ones((5, 8)), random_features(50, 8, 9)
    b = fitted(other)
    gap = 1 - b.mean
    expected = gap @ gap + np.trace(b.covariance)
    assert frechet_distance(fitted(constant), b) == pytest.approx(expected, rel=1e-12)


def test_other_dimensions_are_refused() -> None:
    with pytest.raises(InputError, match="dimension 8 and 9"):
        frechet_distance(fitted(np.eye(8)), fitted(np.eye(9)))


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        (np.zeros(3), np.eye(4), r"\[3\] and a covariance of shape \[4, 4\]"),
        (np.zeros((3, 1)), np.eye(3), "do not fit"),
        (np.zeros(0), np.zeros((0, 0)), "do not fit"),
        (np.full(3, np.nan), np.eye(3), "NaN"),
        (np.zeros(3), np.diag([1, 1, np.inf]), "NaN, infinite"),
        (np.zeros(2), np.array([[1.0, 0.5], [-0.5, 1]]), "not symmetric"),
        (np.zeros(2), np.diag([1.0, -1]), "negative variances"),
    ],
)
def test_statistics_of_no_data_are_refused(
    mean: np.ndarray, covariance: np.ndarray, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Gaussian(mean, covariance)
