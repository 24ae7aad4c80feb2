"""Random numbers by index: image i gets the same ones whatever else is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def random_numbers(*, seed: int, index: int, stream: int = 0) -> np.random.Generator:
    """A source of random numbers that depends on the arguments alone.

    Args:
        seed: Seed of the whole run.
        index: Which image, or which step.
        stream: Which of its draws (latent, noise, …).

    Source: Philox 4x64 with the key (seed, index); streams lie far apart on its counter.
    """
    return np.random.Generator(np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream]))


def normal(shape: Sequence[int], *, seed: int, index: int, stream: int = 0) -> Tensor:
    """Standard normal numbers ``[*shape]``, float32 on the CPU, by :func:`random_numbers`."""
    import torch

    source = random_numbers(seed=seed, index=index, stream=stream)
    return torch.from_numpy(np.asarray(source.standard_normal(tuple(shape), dtype=np.float32)))
