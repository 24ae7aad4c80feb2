"""The Fréchet distance of two normal distributions, by eigenvalues."""

from __future__ import annotations

import numpy as np

from l4f_bench.errors import InputError
from l4f_bench.metrics.moments import FloatArray, Gaussian

_EPS = float(np.finfo(np.float64).eps)
_ACCURACY = 1e-9  # relative, of the trace of the root: well below what a distance is read to


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Squared Fréchet (2-Wasserstein) distance, as FID reports it.

    ``|mean_a - mean_b|^2 + tr A + tr B - 2 tr (A B)^(1/2)``. Equal statistics give exactly 0, the
    order of the two does not matter to the last bit, and covariances of any rank give a finite
    number of 0 or more.

    Raises:
        InputError: The dimensions differ.

    Source: D. C. Dowson, B. V. Landau (1982); M. Heusel et al. (2017) for its use as FID.
    """
    if a.mean.shape != b.mean.shape:
        raise InputError(
            f"Statistics of dimension {len(a.mean)} and {len(b.mean)} cannot be compared. "
            "Make both with the same features."
        )
    if np.array_equal(a.mean, b.mean) and np.array_equal(a.covariance, b.covariance):
        return 0.0
    first, second = sorted((a, b), key=_order)
    gap = first.mean - second.mean
    root = _trace_of_root(_symmetric(first.covariance), _symmetric(second.covariance))
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return max(float(gap @ gap + traces - 2 * root), 0.0)


def _order(gaussian: Gaussian) -> tuple[float, bytes, bytes]:
    covariance = gaussian.covariance
    return float(np.trace(covariance)), gaussian.mean.tobytes(), covariance.tobytes()


def _symmetric(matrix: FloatArray) -> FloatArray:
    return (matrix + matrix.T) / 2


def _trace_of_root(a: FloatArray, b: FloatArray) -> float:
    """``tr (A B)^(1/2)`` of positive semidefinite matrices ``[D, D]``.

    With ``A = L L'`` it is the sum of the roots of the eigenvalues of ``L' B L``. Those are known
    to ``eps`` times the largest, which the root of a small one magnifies; where that could show,
    the slower way is taken.
    """
    try:
        factor = np.linalg.cholesky(a)
    except np.linalg.LinAlgError:  # not of full rank
        return _nuclear_norm(a, b)
    values = np.linalg.eigvalsh(factor.T @ b @ factor)
    uncertain = 10 * _EPS * values[-1]
    if values[0] <= uncertain:
        return _nuclear_norm(a, b)
    roots = np.sqrt(values)
    if (uncertain / (2 * roots)).sum() > _ACCURACY * roots.sum():
        return _nuclear_norm(a, b)
    return float(roots.sum())


def _nuclear_norm(a: FloatArray, b: FloatArray) -> float:
    """The same as the sum of singular values of ``S' T`` where ``A = S S'`` and ``B = T T'``."""
    product = _factor(a).T @ _factor(b)
    return float(np.linalg.svd(product, compute_uv=False).sum())


def _factor(matrix: FloatArray) -> FloatArray:
    """``S [D, rank]`` with ``S S'`` the matrix; directions that are only rounding are left out."""
    values, vectors = np.linalg.eigh(matrix)
    kept = values > len(values) * _EPS * max(values[-1], 0.0)
    return np.asarray(vectors[:, kept] * np.sqrt(values[kept]), np.float64)
