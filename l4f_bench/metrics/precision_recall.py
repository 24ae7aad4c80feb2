"""Improved precision and recall of generated images: does each lie where the other set does?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.errors import InputError
from l4f_bench.metrics.moments import FloatArray

NEIGHBOURS = 3
_ROWS = 1024  # of a block of distances: N * 8 KiB at a time, never N * N


@dataclass(frozen=True, slots=True)
class PrecisionRecall:
    """Shares in [0, 1]."""

    precision: float
    """Generated images that lie among the real ones."""
    recall: float
    """Real images that lie among the generated ones."""
    neighbours: int


def precision_recall(
    generated: npt.NDArray[Any], real: npt.NDArray[Any], *, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Precision and recall by balls that reach each vector's k-th nearest neighbour in its set.

    Args:
        generated: ``[N, D]``.
        real: ``[M, D]``.
        neighbours: k.

    Raises:
        InputError: The dimensions differ, or a set has no k-th neighbour.

    Source: T. Kynkäänniemi et al. (2019); there on features of VGG-16.
    """
    if generated.ndim != 2 or real.ndim != 2 or generated.shape[1] != real.shape[1]:
        raise InputError(
            f"Features of shape {list(generated.shape)} and {list(real.shape)} cannot be compared."
        )
    if not 1 <= neighbours < min(len(generated), len(real)):
        raise InputError(
            f"Precision and recall by {neighbours} neighbours need more images than that on each "
            f"side; got {len(generated)} and {len(real)}."
        )
    fake, true = np.asarray(generated, np.float64), np.asarray(real, np.float64)
    return PrecisionRecall(
        precision=_share_within(fake, true, _radii(true, neighbours)),
        recall=_share_within(true, fake, _radii(fake, neighbours)),
        neighbours=neighbours,
    )


def _radii(points: FloatArray, neighbours: int) -> FloatArray:
    """Squared distance of each point ``[N, D]`` to its k-th nearest other one, ``[N]``."""
    found = []
    for start, block in _distances(points, points):
        rows = np.arange(len(block))
        block[rows, start + rows] = np.inf  # a point is not its own neighbour
        found.append(np.partition(block, neighbours - 1, axis=1)[:, neighbours - 1])
    return np.concatenate(found)


def _share_within(points: FloatArray, centres: FloatArray, radii: FloatArray) -> float:
    within = [(block <= radii).any(axis=1) for _, block in _distances(points, centres)]
    return float(np.concatenate(within).mean())


def _distances(a: FloatArray, b: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """First row and squared distances ``[rows, len(b)]`` of one block of rows after another."""
    b_squared = (b**2).sum(axis=1)
    for start in range(0, len(a), _ROWS):
        rows = a[start : start + _ROWS]
        block = (rows**2).sum(axis=1)[:, None] + b_squared - 2 * rows @ b.T
        yield start, np.maximum(block, 0)  # rounding may leave equal points below 0
