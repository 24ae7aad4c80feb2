"""The kernel distance of two sets of features (KID on Inception's)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.errors import InputError
from l4f_bench.metrics.moments import FloatArray

NUM_SUBSETS = 100
SUBSET_SIZE = 1000


@dataclass(frozen=True, slots=True)
class KernelDistance:
    """Mean over random subsets; it may be slightly negative, being unbiased."""

    mean: float
    std: float | None
    """Over the subsets (divisor: their number); None where the only subset is all there is."""
    subset_size: int
    num_subsets: int


def kernel_distance(
    first: npt.NDArray[Any],
    second: npt.NDArray[Any],
    *,
    num_subsets: int = NUM_SUBSETS,
    subset_size: int = SUBSET_SIZE,
    seed: int = 0,
) -> KernelDistance:
    """Unbiased squared maximum mean discrepancy under the kernel ``(x y / D + 1)^3``.

    Args:
        first: ``[N, D]``.
        second: ``[M, D]``.
        num_subsets: Subsets to average over.
        subset_size: Vectors of each set in a subset, drawn without repetition; all of the
            smaller set where it has fewer. If that is all of both sets, there is one subset.
        seed: Seed of the subsets.

    Raises:
        InputError: The dimensions differ, or a set has fewer than two vectors.

    Source: M. Binkowski et al. (2018), Demystifying MMD GANs.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise InputError(
            f"Features of shape {list(first.shape)} and {list(second.shape)} cannot be compared."
        )
    size = min(subset_size, len(first), len(second))
    if size < 2:
        raise InputError("The kernel distance needs two images or more on each side.")
    if size == len(first) == len(second):
        return KernelDistance(squared_discrepancy(first, second), None, size, 1)
    source = np.random.default_rng(seed)
    values = [
        squared_discrepancy(
            first[source.choice(len(first), size, replace=False)],
            second[source.choice(len(second), size, replace=False)],
        )
        for _ in range(num_subsets)
    ]
    return KernelDistance(float(np.mean(values)), float(np.std(values)), size, num_subsets)


def squared_discrepancy(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> float:
    """Unbiased estimate of one pair of sets ``[N, D]`` and ``[M, D]``, N and M at least 2."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    return float(_mean_of_others(a) + _mean_of_others(b) - 2 * _kernel(a, b).mean())


def _kernel(a: FloatArray, b: FloatArray) -> FloatArray:
    return np.asarray((a @ b.T / a.shape[1] + 1) ** 3, np.float64)


def _mean_of_others(a: FloatArray) -> float:
    """Mean of the kernel over pairs of different vectors."""
    values = _kernel(a, a)
    return float((values.sum() - values.trace()) / (len(a) * (len(a) - 1)))
