"""Statistics of image sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from l4f_bench.evaluation.distance.statistics_files import (
    SetStatistics,
    read_statistics,
    write_statistics,
)
from l4f_bench.metrics.moments import Gaussian
from mutation_kinds.kind import Kind


def kinds(folder: Path) -> dict[str, Kind]:
    """Plain and compressed ones."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(50, 16))
    covariance = np.cov(features, rowvar=False).astype(np.float64)
    gaussian = Gaussian(features.mean(0), covariance)
    plain, packed = folder / "statistics.npz", folder / "statistics-packed.npz"
    write_statistics(
        plain, SetStatistics(gaussian=gaussian, count=50, divisor="n-1", features="inception")
    )
    with np.load(plain) as arrays:
        np.savez_compressed(packed, **dict(arrays))
    return {path.stem: Kind(path, use_statistics) for path in (plain, packed)}


def use_statistics(path: Path) -> None:
    """Read statistics, which must be numbers."""
    gaussian = read_statistics(path).gaussian
    if not (np.isfinite(gaussian.mean).all() and np.isfinite(gaussian.covariance).all()):
        raise AssertionError("statistics that are not finite")
