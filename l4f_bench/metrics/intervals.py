"""Scores of a set of images with bootstrap confidence intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l4f_bench.metrics.protocols import IntArray, Protocol, finish, image_statistics

FloatArray = npt.NDArray[np.float64]

CONFIDENCE = 0.95
NUM_RESAMPLES = 1000
_CHUNK = 100  # resamples at a time: keeps 10,000 images within tens of megabytes


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score and its 95% interval; None where undefined."""

    value: float | None
    """In [0, 1]; of a distance 0 or more."""
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
    point, resampled = _resampled(protocol, counts, levels, seed, num_resamples)
    return {key: _with_interval(value, resampled.get(key)) for key, value in point.items()}


def point_scores(protocol: Protocol, counts: IntArray) -> dict[str, Estimate]:
    """Scores of a set of images without intervals; those that need every threshold are left out.

    Args:
        protocol: How counts become scores.
        counts: int64 ``[N, 4]`` (tp, fp, fn, tn) per image.
    """
    protocol = replace(protocol, f_measure=None)
    statistics = image_statistics(protocol, counts).sum(0)
    point = finish(protocol, counts.sum(0).astype(np.float64), statistics, len(counts))
    return {key: Estimate(_defined(value)) for key, value in point.items()}


def difference(
    protocol: Protocol, first: IntArray, second: IntArray, *, paired: bool, seed: int = 0
) -> dict[str, Estimate]:
    """Scores of ``first`` minus those of ``second``, with percentile bootstrap intervals.

    Args:
        protocol: How counts become scores; those that need every threshold are left out.
        first: int64 ``[N, 4]`` per image.
        second: int64 ``[M, 4]`` per image.
        paired: Row i of both is the same image, so both are resampled alike; else each alone.
        seed: Seed of the resampling.
    """
    protocol = replace(protocol, f_measure=None)
    if not len(first) or not len(second):
        return dict.fromkeys(protocol.metrics, Estimate(None))
    if paired and len(first) != len(second):
        raise ValueError(f"{len(first)} images cannot be paired with {len(second)}.")
    one, ones = _resampled(protocol, first, None, seed, NUM_RESAMPLES)
    two, twos = _resampled(protocol, second, None, seed if paired else seed + 1, NUM_RESAMPLES)
    return {
        key: _with_interval(
            one[key] - two[key], ones[key] - twos[key] if key in ones and key in twos else None
        )
        for key in one
    }


def mean_estimate(
    values: FloatArray, *, seed: int = 0, num_resamples: int = NUM_RESAMPLES
) -> Estimate:
    """Mean of one number an image, with its percentile bootstrap interval over images.

    Means of two columns of the same images are resampled alike under one seed, and the mean of
    their difference is that of a paired comparison.

    Args:
        values: ``[N]``; NaN where the number is not defined, which is left out.
        seed: Seed of the resampling.
        num_resamples: Number of resamples.
    """
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else None)
    generator = np.random.default_rng(seed)
    uniform = np.full(len(known), 1 / len(known))
    weights = generator.multinomial(len(known), uniform, num_resamples) / len(known)
    return _with_interval(np.asarray(known.mean()), weights @ known)


def _resampled(
    protocol: Protocol, counts: IntArray, levels: IntArray | None, seed: int, num_resamples: int
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Each score, and its values over resamples of the images; none for a single image."""
    statistics = image_statistics(protocol, counts, levels)
    num_images = len(counts)
    point = finish(protocol, counts.sum(0).astype(np.float64), statistics.sum(0), num_images)
    if num_images < 2:
        return point, {}
    generator = np.random.default_rng(seed)
    uniform = np.full(num_images, 1 / num_images)
    resampled = []
    for start in range(0, num_resamples, _CHUNK):
        size = min(_CHUNK, num_resamples - start)
        weights = generator.multinomial(num_images, uniform, size).astype(np.float64)
        resampled.append(finish(protocol, weights @ counts, weights @ statistics, num_images))
    return point, {key: np.concatenate([chunk[key] for chunk in resampled]) for key in point}


def _with_interval(value: FloatArray, resampled: FloatArray | None) -> Estimate:
    if resampled is None:
        return Estimate(_defined(value))
    resampled = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(resampled):
        return Estimate(_defined(value))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))


def _defined(value: FloatArray) -> float | None:
    return None if np.isnan(value) else float(value)
