"""Which layers the alpha network should read, by the SSIM of images without them.

Source: Labels4Free (ICCV 2021), section 3.1: layers without which images hardly change (high SSIM)
are discarded. On faces SSIM is 25% higher at the last discarded layer than at the first that is
kept, that is, it falls by 20%.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from l4f_bench.metrics.intervals import CONFIDENCE, NUM_RESAMPLES, Estimate, FloatArray

FALL = 0.2
"""Share by which the mean SSIM falls at the first layer that is kept."""
_CHUNK = 20  # resamples at a time
_FEWEST_LEVELS = 2  # an alpha network reads two resolutions or more


@dataclass(frozen=True, kw_only=True, slots=True)
class Recommendation:
    """What the rule says of a generator."""

    layer: int | None
    """First layer that is kept, 1 for 4 pixels; None where SSIM falls so far nowhere."""
    resolution: int
    """Lowest resolution that the alpha network should read."""
    levels: int
    """How many resolutions that are, the image's own and those below it."""
    reason: str
    """Why, in a sentence."""


def mean_ssim(ssim: FloatArray) -> FloatArray:
    """Mean SSIM ``[R]`` over draws and samples of ``[R, D, N]``."""
    mean: FloatArray = ssim.mean(axis=(1, 2))
    return mean


def drops(means: FloatArray) -> FloatArray:
    """How much higher each mean is than the next: mean k over mean k + 1, minus 1; ``[R - 1]``."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: FloatArray = means[:-1] / means[1:] - 1
    return found


def first_kept(means: Sequence[float] | FloatArray, fall: float = FALL) -> int | None:
    """Index of the first layer whose mean lies at least ``fall`` below that of the one before.

    None where there is none. A mean of 0 or less has nowhere to fall.
    """
    for index in range(1, len(means)):
        before, here = float(means[index - 1]), float(means[index])
        if before > 0 and here <= (1 - fall) * before:
            return index
    return None


def recommend(
    resolutions: Sequence[int], means: Sequence[float] | FloatArray, fall: float = FALL
) -> Recommendation:
    """What to read of a generator with these mean SSIMs.

    The alpha network reads from 8 pixels up, and two resolutions or more.

    Args:
        resolutions: 4, 8, …
        means: Mean SSIM without the layer of each.
        fall: Share by which it falls at the first layer that is kept.
    """
    kept, most = first_kept(means, fall), len(resolutions) - 1
    levels = most if kept is None else len(resolutions) - kept
    levels = max(levels, min(_FEWEST_LEVELS, most))
    resolution = resolutions[-levels]
    if kept is None:
        reason = f"mean SSIM falls by {fall:.0%} at no layer, so every layer is read"
    else:
        before, here = float(means[kept - 1]), float(means[kept])
        reason = (
            f"mean SSIM falls from {before:.2f} to {here:.2f} ({1 - here / before:.0%}) at layer "
            f"{kept + 1} ({resolutions[kept]} pixels)"
        )
        if resolution != resolutions[kept]:
            reason += f"; an alpha network reads {_FEWEST_LEVELS} resolutions or more"
    layer = None if kept is None else kept + 1
    return Recommendation(layer=layer, resolution=resolution, levels=levels, reason=reason)


def resampled_means(
    ssim: FloatArray, *, seed: int, num_resamples: int = NUM_RESAMPLES
) -> FloatArray:
    """Mean SSIM over resamples of the samples, and of the noise draws of each; ``[B, R]``.

    Args:
        ssim: ``[R, D, N]``.
        seed: Seed of the resampling.
        num_resamples: B.
    """
    _, num_draws, num_samples = ssim.shape
    generator = np.random.default_rng(seed)
    found = []
    for start in range(0, num_resamples, _CHUNK):
        size = min(_CHUNK, num_resamples - start)
        samples = generator.integers(num_samples, size=(size, num_samples, 1))
        draws = generator.integers(num_draws, size=(size, num_samples, num_draws))
        found.append(ssim[:, draws, samples].mean(axis=(2, 3)).T)
    return np.concatenate(found)


def interval(value: float, resampled: FloatArray) -> Estimate:
    """A value with its percentile interval; without one where a value is not a number."""
    if not np.isfinite(value):
        return Estimate(None)
    finite = resampled[np.isfinite(resampled)]
    if len(finite) < len(resampled):
        return Estimate(float(value))
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return Estimate(float(value), float(low), float(high))
