"""What a method must do to be benchmarked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Images that a method made, with their masks."""

    indices: tuple[int, ...]
    """Which samples of the set."""
    image: Tensor
    """uint8 ``[N, 3, H, W]`` RGB."""
    alpha: Tensor
    """float32 ``[N, 1, H, W]`` in [0, 1], 1 = foreground."""
    background: Tensor
    """uint8 ``[N, 3, H, W]``: what lies behind the foreground."""
    composite: Tensor
    """uint8 ``[N, 3, H, W]``: the foreground laid over the background."""
    latent: Tensor
    """The foreground's latents, float32 ``[N, w_dim]``, truncated."""


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Several batches as one."""
    return Samples(
        indices=tuple(index for part in parts for index in part.indices),
        image=torch.cat([part.image for part in parts]),
        alpha=torch.cat([part.alpha for part in parts]),
        background=torch.cat([part.background for part in parts]),
        composite=torch.cat([part.composite for part in parts]),
        latent=torch.cat([part.latent for part in parts]),
    )


class ImageMethod(Protocol):
    """A method that finds the foreground of any image."""

    def segment(self, image: Tensor) -> Tensor:
        """Alpha of images, float32 ``[N, 1, H, W]`` in [0, 1] on the CPU.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB.
        """


class GenerativeMethod(Protocol):
    """A method that makes its own images together with masks."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""

    @property
    def bytes_per_image(self) -> int:
        """Memory that an image of a batch takes at the most, roughly."""

    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """Make the samples of these indices.

        An index and a seed fix a sample: neither the other indices nor their number matter.

        Args:
            indices: Which samples of the set, 0 or more.
            truncation: psi in [0, 1].
            seed: Seed of the set.
        """
