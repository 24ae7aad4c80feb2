"""Edits that leave the background alone: the edited object over the filled background.

Images are uint8 ``[H, W, 3]`` RGB, alpha float32 ``[H, W]`` in [0, 1], masks bool ``[H, W]``.
Source: Labels4Free (ICCV 2021), Figure 6.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch.nn.functional as F
from torch import from_numpy

from l4f_bench.editing.filling import BoolArray, ByteArray, filling

FloatArray = npt.NDArray[np.float32]


def background_layer(
    image: ByteArray, alpha: FloatArray, *, threshold: float, margin: int, fill: str
) -> ByteArray:
    """An image without its object.

    Args:
        image: The image.
        alpha: Its soft mask.
        threshold: Alpha above which a pixel is of the object.
        margin: Pixels around the object that are filled as well, since some of its colour is there.
        fill: A key of :data:`l4f_bench.editing.filling.FILLS`.

    Returns:
        The image itself where nothing is of the object, and outside of object and margin.

    Raises:
        ValueError: The object with its margin covers the image (:func:`nothing_to_preserve`).
        MissingDependencyError: What fills is not installed.
    """
    hole = grown(alpha > threshold, margin)
    if hole.all():
        raise ValueError("everything is foreground")
    return filling(fill)(image, hole) if hole.any() else image


def nothing_to_preserve(alpha: FloatArray, *, threshold: float, margin: int) -> str | None:
    """Why there is no background to preserve, or no object to edit; None where there are both."""
    mask = alpha > threshold
    if grown(mask, margin).all():
        return "everything is foreground"
    return None if mask.any() else "nothing is foreground"


def preserved(
    edited: ByteArray, alpha: FloatArray, layer: ByteArray, *, threshold: float
) -> ByteArray:
    """The object of an edited image over a background.

    Alpha counts where it is above the threshold, so that elsewhere the layer stands as it is.

    Args:
        edited: The image after the edit.
        alpha: Its own soft mask.
        layer: The background.
        threshold: Alpha above which a pixel is of the object.
    """
    weight = np.where(alpha > threshold, alpha, 0)[..., None].astype(np.float32)
    return np.round(weight * edited + (1 - weight) * layer).astype(np.uint8)


def grown(mask: BoolArray, margin: int) -> BoolArray:
    """A mask and all within ``margin`` pixels of it, in a square."""
    if not margin:
        return mask
    side = 2 * margin + 1
    wide = F.max_pool2d(from_numpy(mask[None].astype(np.float32)), side, stride=1, padding=margin)
    return wide[0].numpy() > 0
