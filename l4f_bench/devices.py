"""Where to compute, and how images come back from there."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from l4f_bench.errors import InputError


def choose_device(name: str | None, *, tf32: bool = False) -> torch.device:
    """The named device, or the best one there is.

    Args:
        name: As PyTorch names it; None for a GPU if there is one, else the CPU.
        tf32: Whether GPUs may compute less exactly from then on (:func:`allow_tf32`).

    Raises:
        InputError: The device is unknown, not there, or holds no numbers.
    """
    allow_tf32(tf32)
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        with warnings.catch_warnings(action="ignore"):  # of names that were devices once
            device = torch.device(name)
            torch.zeros(1, device=device).item()  # "meta" can be made, but not read
    except (RuntimeError, AssertionError, ImportError) as error:
        reason = str(error).splitlines()[0].partition(". ")[0].removesuffix(".")
        raise InputError(
            f"The device {name!r:.40} cannot be used: {reason:.120}. Try --device cpu."
        ) from None
    return device


def allow_tf32(allowed: bool) -> None:
    """Whether GPUs may round the float32 that they multiply to 10 bits, which is faster.

    PyTorch's own setting is yes for convolutions and no for matrices.
    """
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def tf32_allowed() -> bool:
    """Whether any products may be rounded so."""
    return bool(torch.backends.cuda.matmul.allow_tf32 or torch.backends.cudnn.allow_tf32)


def to_bytes(image: Tensor) -> Tensor:
    """Images in [-1, 1] as uint8 on the CPU, values beyond cut off."""
    return ((image + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).cpu()
