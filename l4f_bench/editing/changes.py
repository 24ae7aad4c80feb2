"""How much of an image an edit changed, outside and inside of the object."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from l4f_bench.editing.filling import BoolArray, ByteArray

_LEAST_ERROR = 1e-10  # of the mean square, so that PSNR is 100 dB where nothing changed
_WINDOW = 11  # pixels of SSIM's window


class Changes(NamedTuple):
    """What one edit did to one image; NaN where there is no such pixel."""

    psnr: float
    """Peak signal-to-noise ratio in dB of the pixels outside, 100 where they are the same."""
    ssim: float
    """Mean of the SSIM map over the pixels outside (Gaussian 11x11, sigma 1.5)."""
    outside: float
    """Mean absolute difference of the pixels outside, in grey levels, 0 to 255."""
    inside: float
    """The same of the pixels inside."""


def changes(before: ByteArray, after: ByteArray, inside: BoolArray) -> Changes:
    """Compare an image with an edited one.

    Args:
        before: uint8 ``[H, W, 3]``.
        after: The same.
        inside: What is of the object in either of them, bool ``[H, W]``; the rest is background in
            both. What is inside has no part in the numbers of the outside: SSIM's windows, which
            reach across, see the pixels of ``before`` there.
    """
    difference = after.astype(np.float64) - before
    outside = difference[~inside]
    if not outside.size:
        return Changes(np.nan, np.nan, np.nan, float(np.abs(difference).mean()))
    error = max(float(np.square(outside / 255).mean()), _LEAST_ERROR)
    return Changes(
        psnr=-10 * float(np.log10(error)),
        ssim=_ssim(before, np.where(inside[..., None], before, after), ~inside),
        outside=float(np.abs(outside).mean()),
        inside=float(np.abs(difference[inside]).mean()) if inside.any() else np.nan,
    )


def _ssim(first: ByteArray, second: ByteArray, where: BoolArray) -> float:
    """Mean of the SSIM map of two images over some of the pixels; NaN for tiny images."""
    if min(first.shape[:2]) < _WINDOW:
        return float("nan")
    one, two = (
        torch.from_numpy(image.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        for image in (first, second)
    )
    _, full = structural_similarity_index_measure(one, two, data_range=1.0, return_full_image=True)
    return float(full[0].mean(dim=0)[torch.from_numpy(where)].mean())
