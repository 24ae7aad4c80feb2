"""How images come to the size that a network reads: policies by name."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

DEFAULT_RESIZE = "bilinear"
RESIZES = ("bilinear", "bicubic-antialias", "none")
"""``bilinear`` is pytorch-fid's: half-pixel centres, no antialiasing, so that large images alias;
``bicubic-antialias`` filters as clean-fid does; ``none`` leaves images as they are."""


def check_resize(policy: str) -> None:
    """Raise unless a policy has that name.

    Raises:
        InputError: There is none; the message gives the nearest and all known ones.
    """
    if policy not in RESIZES:
        raise InputError(unknown_name("resize policy", policy, list(RESIZES)))


def resized_floats(image: Tensor, side: int, policy: str) -> Tensor:
    """Images as numbers around [0, 1] at a network's size.

    Args:
        image: uint8 ``[N, 3, H, W]``.
        side: Pixels of the result; without effect under ``none``.
        policy: One of ``RESIZES``.

    Returns:
        float32 ``[N, 3, side, side]``; bicubic filtering may overshoot [0, 1].
    """
    check_resize(policy)
    pixels = image.to(torch.float32) / 255
    if policy == "none":
        return pixels
    if policy == "bilinear":
        return F.interpolate(pixels, (side, side), mode="bilinear", align_corners=False)
    return F.interpolate(pixels, (side, side), mode="bicubic", align_corners=False, antialias=True)
