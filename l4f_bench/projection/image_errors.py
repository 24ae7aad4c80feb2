"""How far a reconstruction is from its photograph."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from l4f_bench.projection.placement import ByteArray

_KERNEL = 11  # of structural similarity


@dataclass(frozen=True, slots=True)
class ImageErrors:
    """Errors of one picture, both scaled to [0, 1]."""

    mse: float
    psnr: float | None
    """Decibels; None where nothing differs."""
    ssim: float | None
    """Mean structural similarity over all pixels; None for pictures too small for its window."""


def image_errors(picture: ByteArray, photograph: ByteArray) -> ImageErrors:
    """Compare two pictures of one size, uint8 ``[3, H, W]``.

    Source: structural similarity by torchmetrics, with a Gaussian window of 11 pixels.
    """
    first, second = (
        torch.from_numpy(array)[None].double() / 255 for array in (picture, photograph)
    )
    mse = float((first - second).square().mean())
    ssim = None
    if min(first.shape[2:]) >= _KERNEL:
        found = structural_similarity_index_measure(first, second, data_range=1.0)
        assert isinstance(found, torch.Tensor)  # a pair only where the map is asked for too
        ssim = float(found)
    return ImageErrors(mse, -10 * math.log10(mse) if mse else None, ssim)


def error_picture(picture: ByteArray, photograph: ByteArray) -> ByteArray:
    """Mean absolute difference of the channels as grey levels ``[3, H, W]``; from half on white."""
    difference = np.abs(picture.astype(np.float32) - photograph).mean(axis=0, keepdims=True)
    return np.repeat((2 * difference).clip(0, 255).astype(np.uint8), 3, axis=0)
