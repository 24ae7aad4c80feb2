"""What a method must do to be benchmarked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Images that a method made, with their masks; what else it has is written, but not scored.

    All tensors are on the CPU.
    """

    image: Tensor
    """uint8 ``[N, 3, H, W]`` RGB."""
    alpha: Tensor
    """float32 ``[N, 1, H, W]`` in [0, 1], 1 = foreground."""
    indices: tuple[int, ...] | None = None
    """Which samples of the set."""
    background: Tensor | None = None
    """uint8 ``[N, 3, H, W]``: what lies behind the foreground."""
    composite: Tensor | None = None
    """uint8 ``[N, 3, H, W]``: the foreground laid over the background."""
    latent: Tensor | None = None
    """The foreground's latents, float32 ``[N, w_dim]``, truncated."""


def join_samples(parts: Sequence[Samples]) -> Samples:
    """Several batches as one; what one of them lacks is left out."""
    indices = [part.indices for part in parts]
    return Samples(
        image=torch.cat([part.image for part in parts]),
        alpha=torch.cat([part.alpha for part in parts]),
        indices=None if None in indices else tuple(i for some in indices for i in some or ()),
        background=_joined([part.background for part in parts]),
        composite=_joined([part.composite for part in parts]),
        latent=_joined([part.latent for part in parts]),
    )


def rows_of(samples: Samples, rows: Sequence[int]) -> Samples:
    """Some samples of a batch, in the order of ``rows``."""
    chosen = list(rows)

    def of(part: Tensor | None) -> Tensor | None:
        return None if part is None else part[chosen]

    return Samples(
        image=samples.image[chosen],
        alpha=samples.alpha[chosen],
        indices=None if samples.indices is None else tuple(samples.indices[i] for i in chosen),
        background=of(samples.background),
        composite=of(samples.composite),
        latent=of(samples.latent),
    )


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    there = [part for part in parts if part is not None]
    return torch.cat(there) if len(there) == len(parts) else None


class ImageMethod(Protocol):
    """A method that finds the foreground of any image.

    Where it may be called from several threads at once, and images are so small that each is best
    computed on one core, it says so by an attribute ``side_by_side`` that is true.
    """

    def segment(self, image: Tensor) -> Tensor:
        """Alpha of images, float32 ``[N, 1, H, W]`` in [0, 1] on the CPU.

        An image fixes its alpha: neither the other images nor their order matter.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB on the CPU.
        """


class GenerativeMethod(Protocol):
    """A method that makes its own images together with masks.

    It may have attributes more. ``device``, a ``torch.device`` or its name, and
    ``bytes_per_image``, the memory that an image of a batch takes at the most, roughly, say how
    many samples fit a GPU at a time; ``block_size`` (:mod:`l4f_bench.blocks`) how many it computes
    together in any case; ``side_by_side`` is as for an :class:`ImageMethod`. Where backgrounds take
    time of their own, it leaves them to a method more, ``sample_layers``: as ``sample``, and with
    background and composite.
    """

    def sample(self, indices: Sequence[int], *, truncation: float, seed: int) -> Samples:
        """Make the samples of these indices.

        An index and a seed fix a sample: neither the other indices nor their number matter.

        Args:
            indices: Which samples of the set, 0 or more.
            truncation: psi in [0, 1].
            seed: Seed of the set.
        """
