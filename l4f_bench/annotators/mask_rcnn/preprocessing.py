"""Images as the published network reads them, and masks back at the image's size."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.mask_rcnn.boxes import clipped

SHORTEST_SIDE, LONGEST_SIDE = 800, 1333  # the longest wins where they contradict each other
_MEAN = (103.530, 116.280, 123.675)  # of blue, green and red; the standard deviation is 1
_MULTIPLE = 32  # of the coarsest feature of the ResNet
_MAX_PIXELS_AT_ONCE = 1 << 20  # of a mask in float32


def input_size(height: int, width: int) -> tuple[int, int]:
    """Height and width that an image is resized to, at least 1 each."""
    scale = SHORTEST_SIDE / min(height, width)
    new = [height * scale, width * scale]
    if max(new) > LONGEST_SIDE:
        scale = LONGEST_SIDE / max(new)
        new = [side * scale for side in new]
    tall, wide = (max(1, int(side + 0.5)) for side in new)
    return tall, wide


def normalised(image: Tensor) -> Tensor:
    """The network's input, with zeros at the right and bottom up to a multiple of 32.

    Args:
        image: uint8 ``[1, 3, H, W]``, RGB.

    Returns:
        float32 ``[1, 3, H', W']``, BGR.
    """
    pixels = image.flip(1).float()
    pixels -= torch.tensor(_MEAN, device=image.device)[:, None, None]
    height, width = image.shape[-2:]
    return F.pad(pixels, (0, -width % _MULTIPLE, 0, -height % _MULTIPLE))


def scaled_boxes(boxes: Tensor, size: tuple[int, int], shape: tuple[int, int]) -> Tensor:
    """Boxes ``[n, 4]`` of the resized image (height, width) in pixels of the original one."""
    scale = boxes.new_tensor([shape[1] / size[1], shape[0] / size[0]]).repeat(2)
    return clipped(boxes * scale, shape)


def paste_all(probabilities: Tensor, boxes: Tensor, shape: tuple[int, int]) -> Tensor:
    """Pixels of any of some objects, bool ``[H, W]``; arguments as in ``paste``, one row each."""
    canvas = torch.zeros(shape, dtype=torch.bool, device=boxes.device)
    for mask, box in zip(probabilities, boxes, strict=True):
        paste(mask, box, canvas)
    return canvas


def paste(probabilities: Tensor, box: Tensor, canvas: Tensor) -> None:
    """Set the pixels of ``canvas`` that belong to an object with a probability of at least 1/2.

    Probabilities are interpolated bilinearly between the centres of their cells, and are 0 outside
    the box. Only rows and columns whose centre is in the box can reach 1/2, so others are left.

    Args:
        probabilities: float32 ``[S, S]``, over the box.
        box: ``[4]``: left, top, right, bottom in pixels of the canvas.
        canvas: bool ``[H, W]``, written to.
    """
    left, top, right, bottom = box.tolist()
    height, width = canvas.shape
    if left >= right or top >= bottom:  # so small that it vanished in rounding
        return
    first, last = max(0, int(left)), min(width, int(right) + 1)
    columns = _tents(left, right, first, last, probabilities)  # [S, last - first]
    rows_at_once = max(1, _MAX_PIXELS_AT_ONCE // max(1, last - first))
    end = min(height, int(bottom) + 1)
    for start in range(max(0, int(top)), end, rows_at_once):
        stop = min(end, start + rows_at_once)
        rows = _tents(top, bottom, start, stop, probabilities)
        canvas[start:stop, first:last] |= rows.T @ probabilities @ columns >= 0.5


def _tents(low: float, high: float, start: int, stop: int, probabilities: Tensor) -> Tensor:
    """Weight of each cell for each pixel from ``start`` to ``stop``, ``[S, stop - start]``."""
    side, device = len(probabilities), probabilities.device
    centres = torch.arange(start, stop, device=device) + 0.5
    position = (centres - low) / (high - low) * side - 0.5
    cells = torch.arange(side, device=device)[:, None]
    return (1 - (position - cells).abs()).clamp(min=0)
