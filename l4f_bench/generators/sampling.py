"""What a sample index stands for: its latents and noise maps, drawn from the index alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from l4f_bench.generators.architecture import GeneratorArchitecture, resolutions
from l4f_bench.seeds import normal


@dataclass(frozen=True, slots=True)
class Draw:
    """Random inputs of a batch of images."""

    z: Tensor
    """float32 ``[N, z_dim]``."""
    noise: list[Tensor]
    """One float32 tensor ``[N, 1, H, W]`` per styled convolution."""


def draw(
    architecture: GeneratorArchitecture, indices: Sequence[int], *, seed: int, image: int = 0
) -> Draw:
    """Draw the inputs of some samples; those of one index never depend on the others.

    Args:
        architecture: The generator to draw for.
        indices: Sample indices, 0 or more.
        seed: Seed of the whole set.
        image: Which of a sample's images: 0 the foreground's, 1 the background's.
    """
    sides = [resolutions(architecture.size)[(i + 1) // 2] for i in range(architecture.num_layers)]
    latents, maps = [], []
    for index in indices:
        latents.append(normal((1, architecture.z_dim), seed=seed, index=index, stream=2 * image))
        total = sum(side**2 for side in sides)
        numbers = normal((total,), seed=seed, index=index, stream=2 * image + 1)
        parts = torch.split(numbers, [side**2 for side in sides])
        maps.append([p.view(1, 1, side, side) for p, side in zip(parts, sides, strict=True)])
    return Draw(torch.cat(latents), [torch.cat(layer) for layer in zip(*maps, strict=True)])
