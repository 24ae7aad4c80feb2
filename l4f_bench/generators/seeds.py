"""Random numbers by index: image i gets the same ones whatever else is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def normal(shape: Sequence[int], *, seed: int, index: int, stream: int = 0) -> Tensor:
    """Standard normal numbers that depend on the arguments alone.

    Args:
        shape: Shape of the result.
        seed: Seed of the whole run.
        index: Which image.
        stream: Which of the image's draws (latent, noise, …).

    Returns:
        float32 tensor on the CPU.

    Source: Philox 4x64 with the key (seed, index); streams lie far apart on its counter.
    """
    bits = np.random.Philox(key=[seed, index], counter=[0, 0, 0, stream])
    values = np.random.Generator(bits).standard_normal(tuple(shape), dtype=np.float32)
    return torch.from_numpy(np.asarray(values))
