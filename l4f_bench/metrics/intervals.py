"""Scores of a set of images with bootstrap confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from l4f_bench.metrics.protocols import IntArray, Protocol, finish, image_statistics

CONFIDENCE = 0.95
NUM_RESAMPLES = 1000
_CHUNK = 100  # resamples at a time: keeps 10,000 images within tens of megabytes


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score and its 95% interval; None where undefined."""

    value: float | None
    """In [0, 1]."""
    low: float | None = None
    """2.5% quantile over resamples of the images."""
    high: float | None = None
    """97.5% quantile."""


def estimate(
    protocol: Protocol,
    counts: IntArray,
    levels: IntArray | None = None,
    *,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> dict[str, Estimate]:
    """Score a set of images under a protocol, with percentile bootstrap intervals over images.

    Args:
        protocol: How counts become scores.
        counts: int64 ``[N, 4]`` (tp, fp, fn, tn) per image.
        levels: int64 ``[N, 2, 256]`` per image, for protocols with an F-measure; without it
            ``max_f_beta`` is left out.
        seed: Seed of the resampling.
        num_resamples: Number of resamples.

    Returns:
        One estimate per score. A score without a defined value is None, never 0 or 1; a single
        image has no interval.
    """
    if not len(counts):
        return dict.fromkeys(protocol.metrics, Estimate(None))
    statistics = image_statistics(protocol, counts, levels)
    num_images = len(counts)
    point = finish(protocol, counts.sum(0).astype(np.float64), statistics.sum(0), num_images)
    if num_images < 2:
        return {key: Estimate(_defined(value)) for key, value in point.items()}
    generator = np.random.default_rng(seed)
    uniform = np.full(num_images, 1 / num_images)
    resampled = []
    for start in range(0, num_resamples, _CHUNK):
        size = min(_CHUNK, num_resamples - start)
        weights = generator.multinomial(num_images, uniform, size).astype(np.float64)
        resampled.append(finish(protocol, weights @ counts, weights @ statistics, num_images))
    return {
        key: _with_interval(value, np.concatenate([chunk[key] for chunk in resampled]))
        for key, value in point.items()
    }


def _with_interval(value: np.ndarray, resampled: np.ndarray) -> Estimate:
    resampled = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(resampled):
        return Estimate(_defined(value))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))


def _defined(value: np.ndarray) -> float | None:
    return None if np.isnan(value) else float(value)
