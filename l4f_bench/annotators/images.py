"""Images as annotators read them: three channels, and the size they were trained at."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from l4f_bench.errors import InputError


def as_rgb(image: Tensor) -> Tensor:
    """Three channels: grey is repeated, the alpha of RGBA is dropped, as Pillow does.

    Args:
        image: uint8 ``[N, C, H, W]`` with 1, 3 or 4 channels.

    Returns:
        uint8 ``[N, 3, H, W]``.

    Raises:
        InputError: Another type, number of axes or of channels, or no pixels.
    """
    shape = tuple(image.shape)
    if image.dtype != torch.uint8 or len(shape) != 4 or shape[1] not in (1, 3, 4):
        raise InputError(
            f"Images are uint8 [N, 3, H, W] (or 1 or 4 channels); got {image.dtype} {list(shape)}."
        )
    if not shape[2] or not shape[3]:
        raise InputError(f"Images without pixels cannot be annotated; got {list(shape)}.")
    return image.expand(-1, 3, -1, -1) if shape[1] == 1 else image[:, :3]


def resized(image: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Images by Pillow's bilinear filter, which averages where it shrinks.

    By Pillow itself, on the CPU: torch's filter differs from it by a level here and there, which is
    enough to move detections off those of the published predictors.

    Args:
        image: uint8 ``[N, 3, H, W]``.
        size: Height and width of the result, or one number for both.

    Returns:
        uint8 ``[N, 3, *size]``, on the images' device.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if image.shape[-2:] == (height, width):
        return image
    result = np.empty((*image.shape[:2], height, width), np.uint8)
    for channels, small in zip(image.cpu().numpy(), result, strict=True):
        for index, channel in enumerate(channels):  # one at a time: photographs may be huge
            whole = Image.fromarray(channel)
            small[index] = whole.resize((width, height), Image.Resampling.BILINEAR)
    return torch.from_numpy(result).to(image.device)
