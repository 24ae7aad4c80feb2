"""Random numbers by index: image i gets the same ones whatever else is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from l4f_bench.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

MAX_SEED = (1 << 32) - 1
"""Largest seed of a run."""
TRAINING = 1 << 40
"""Added to the seed of the samples that masks are learned on: no seed of ``sample`` or ``eval``
gives them again."""


def check_seed(seed: int) -> None:
    """Raise unless a seed is from 0 to :data:`MAX_SEED`.

    Raises:
        InputError: It is not.
    """
    if not 0 <= seed <= MAX_SEED:
        raise InputError(f"--seed {seed} is out of range: use 0 to {MAX_SEED}.")


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
