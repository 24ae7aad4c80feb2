"""Where to compute, and how images come back from there."""

from __future__ import annotations

import torch
from torch import Tensor

from l4f_bench.errors import InputError


def choose_device(name: str | None) -> torch.device:
    """The named device, or the best one there is.

    Raises:
        InputError: The device is unknown or not there.
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The device '{name}' cannot be used: {reason}. Try --device cpu."
        ) from None
    return device


def to_bytes(image: Tensor) -> Tensor:
    """Images in [-1, 1] as uint8 on the CPU, values beyond cut off."""
    return ((image + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).cpu()
