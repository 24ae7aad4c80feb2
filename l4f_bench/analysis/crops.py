"""Backgrounds cut from samples, where no object is.

Source: Labels4Free (ICCV 2021), section 3.2: "generic StyleGAN backgrounds from multiple sampled
images by cropping", up-sampled to the size of the image. Theirs were chosen by eye.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.errors import InputError

Box = tuple[int, int, int]
"""Row and column of the upper left corner, and side, in pixels."""

_STEPS = 4  # places to a side of the box


def background_box(image: Tensor, side: int, mask: Tensor | None = None) -> Box | None:
    """The plainest square of an image that holds no object.

    Without a mask these are the squares along the image's edges; with one, all that have no
    foreground pixel. The plainest has the least variance of colours.

    Args:
        image: float ``[3, H, W]``.
        side: Side of the square, 1 to the smaller of H and W.
        mask: bool ``[H, W]``, True = foreground.

    Returns:
        Where it is; None if there is none.

    Raises:
        InputError: ``side`` is out of range, or the mask has another size.
    """
    if not 1 <= side <= min(image.shape[1:]):
        raise InputError(f"A crop of {side} pixels does not fit into {list(image.shape[1:])}.")
    if mask is not None and mask.shape != image.shape[1:]:
        raise InputError(f"A mask of {list(mask.shape)} does not fit {list(image.shape[1:])}.")
    step = max(side // _STEPS, 1)
    means, squares = (F.avg_pool2d(x[None], side, step)[0] for x in (image, image.square()))
    spread = (squares - means.square()).sum(dim=0)  # [rows, columns] of places
    allowed = torch.zeros_like(spread, dtype=torch.bool)
    if mask is None:
        allowed[[0, -1]] = True
        allowed[:, [0, -1]] = True
    else:
        allowed = F.max_pool2d(mask[None, None].to(image), side, step)[0, 0] == 0
    if not allowed.any():
        return None
    best = int(spread.masked_fill(~allowed, torch.inf).argmin())
    row, column = divmod(best, spread.shape[1])
    return row * step, column * step, side


def cut_background(image: Tensor, box: Box) -> Tensor:
    """A square of images ``[N, 3, H, W]``, up-sampled bilinearly to their size; not clamped."""
    row, column, side = box
    crop = image[..., row : row + side, column : column + side]
    return F.interpolate(crop, size=image.shape[2:], mode="bilinear", align_corners=False)
