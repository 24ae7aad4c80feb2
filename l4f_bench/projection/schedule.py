"""What the published projectors do over their steps, as functions of t in [0, 1].

Source: the projector of StyleGAN2 (CVPR 2020), appendix D, which both public ones follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_RAMP_DOWN, _RAMP_UP = 0.25, 0.05
_SMALLEST_MAP = 8


@dataclass(frozen=True, slots=True)
class LatentStatistics:
    """Where w lies, and how far it spreads."""

    mean: Tensor
    """``[w_dim]``."""
    std: Tensor
    """One number: root of the summed squared distances from the mean, divided by the number of
    latents; not one a feature."""

    @classmethod
    def of(cls, w: Tensor) -> LatentStatistics:
        """Statistics of latents ``[N, w_dim]``."""
        mean = w.mean(dim=0)
        return cls(mean, ((w - mean).square().sum() / len(w)).sqrt())


def learning_rate(t: float, initial: float) -> float:
    """Rises from 0 in the first 5 % of the steps and falls by half a cosine in the last 25 %."""
    ramp = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / _RAMP_DOWN))
    return initial * ramp * min(1.0, t / _RAMP_UP)


def latent_noise(t: float, ramp: float) -> float:
    """Factor of the noise on latents: from 1 to 0 at ``ramp``, as a parabola."""
    return max(0.0, 1 - t / ramp) ** 2


def noise_regulariser(maps: Sequence[Tensor]) -> Tensor:
    """How much neighbours in noise maps ``[N, 1, H, W]`` are alike, over all sizes, summed."""
    total = maps[0].new_zeros(())
    for noise in maps:
        while True:
            for axis in (3, 2):
                total = total + (noise * noise.roll(1, dims=axis)).mean().square()
            if noise.shape[2] <= _SMALLEST_MAP:
                break
            noise = F.avg_pool2d(noise, 2)
    return total


@torch.no_grad()
def normalise_noise(maps: Sequence[Tensor]) -> None:
    """Bring every map, over its whole tensor, to mean 0 and sample deviation 1, in place."""
    for noise in maps:
        noise.sub_(noise.mean()).div_(noise.std())
