"""Mean and covariance of features, streamed: memory does not depend on their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

FloatArray = npt.NDArray[np.float64]
Divisor = Literal["n-1", "n"]

_LARGEST = 1e100  # products of two such numbers are still finite

DIVISORS: tuple[str, ...] = get_args(Divisor)
"""What the scatter is divided by: N - 1 as ``numpy.cov`` and pytorch-fid do, or N as
stylegan2-ada does."""


@dataclass(frozen=True, slots=True)
class Gaussian:
    """The normal distribution that stands for a set of images."""

    mean: FloatArray
    """float64 ``[D]``."""
    covariance: FloatArray
    """float64 ``[D, D]``, symmetric."""

    def __post_init__(self) -> None:
        """Check it.

        Raises:
            InputError: The shapes do not fit each other, a number is not finite, or the
                covariance is not that of any data.
        """
        size = self.mean.shape[0] if self.mean.ndim == 1 else 0
        if size == 0 or self.covariance.shape != (size, size):
            raise InputError(
                f"A mean of shape {list(self.mean.shape)} and a covariance of shape "
                f"{list(self.covariance.shape)} do not fit; [D] and [D, D] do."
            )
        if not all((np.abs(part) < _LARGEST).all() for part in (self.mean, self.covariance)):
            raise InputError(
                "The statistics hold NaN, infinite or boundless numbers. Compute them again."
            )
        largest = np.abs(self.covariance).max()
        # A float32 file's rounding is let pass; another layout of the matrix is not.
        if np.abs(self.covariance - self.covariance.T).max() > 1e-4 * largest:
            raise InputError("The covariance is not symmetric. Compute the statistics again.")
        if self.covariance.diagonal().min() < -1e-4 * largest:
            raise InputError("The covariance has negative variances. Compute the statistics again.")


class Moments:
    """Count, mean and centred scatter of feature vectors, in float64.

    Sets that were streamed apart merge to what one stream gives, up to rounding.
    Source: T. F. Chan, G. H. Golub, R. J. LeVeque (1979), updating formulae for sample variances.
    """

    def __init__(self, dimension: int) -> None:
        """Start empty, for vectors of ``dimension`` numbers."""
        self.count = 0
        self.mean: FloatArray = np.zeros(dimension)
        self.scatter: FloatArray = np.zeros((dimension, dimension))

    def update(self, features: npt.NDArray[Any]) -> None:
        """Count a batch.

        Args:
            features: ``[N, D]`` of any real type.

        Raises:
            InputError: Another shape, or a number that is not finite.
        """
        if features.ndim != 2 or features.shape[1] != len(self.mean):
            raise InputError(
                f"Features of shape {list(features.shape)} came where [N, {len(self.mean)}] "
                "was expected. Use one extractor throughout."
            )
        if not np.isfinite(features).all():
            raise InputError("The features hold NaN or infinite numbers. Check the weights.")
        if not len(features):
            return
        rows = np.asarray(features, np.float64)
        mean = rows.mean(axis=0)
        self._add(len(rows), mean, rows - mean)

    def merge(self, other: Moments) -> None:
        """Count what another stream counted.

        Raises:
            InputError: Its vectors have another dimension.
        """
        if other.mean.shape != self.mean.shape:
            raise InputError(
                f"Moments of dimension {len(other.mean)} and {len(self.mean)} do not merge."
            )
        if other.count:
            self.scatter += other.scatter
            self._add(other.count, other.mean, np.empty((0, len(self.mean))))

    def gaussian(self, divisor: str = "n-1") -> Gaussian:
        """The distribution with this mean and covariance.

        Raises:
            InputError: There are fewer than two vectors, or the divisor is unknown.
        """
        if divisor not in DIVISORS:
            raise InputError(unknown_name("divisor", divisor, list(DIVISORS)))
        if self.count < 2:
            raise InputError(f"A covariance needs two images or more; got {self.count}.")
        divided_by = self.count - 1 if divisor == "n-1" else self.count
        return Gaussian(self.mean.copy(), self.scatter / divided_by)

    def _add(self, count: int, mean: FloatArray, centred: FloatArray) -> None:
        """Add rows around their own mean, and the distance of the two means as one row more."""
        total = self.count + count
        step = mean - self.mean
        between = np.sqrt(self.count * count / total) * step
        rows = np.concatenate([centred, between[None]])
        self.scatter += rows.T @ rows
        self.mean = self.mean + step * (count / total)
        self.count = total
