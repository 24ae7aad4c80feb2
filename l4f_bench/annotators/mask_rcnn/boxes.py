"""Boxes: anchors, deltas, clipping, and which pyramid level a box is read from.

Boxes are float32 ``[n, 4]``: left, top, right, bottom, in pixels of the network's input, where
pixel i covers i to i + 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

STRIDES = (4, 8, 16, 32, 64)  # of p2 to p6
_SIZES = (32, 64, 128, 256, 512)  # square root of an anchor's area, by level
_RATIOS = (0.5, 1.0, 2.0)  # height by width
_MAX_LOG_SCALE = math.log(1000 / 16)  # a box grows at most this much
_FINEST, _COARSEST = 2, 5  # levels that boxes are read from
_USUAL_LEVEL, _USUAL_SIZE = 4, 224


def anchors(height: int, width: int, level: int, device: torch.device) -> Tensor:
    """Anchors of a pyramid level ``[height * width * 3, 4]``, by row, column and aspect ratio.

    Args:
        height: Rows of the level's feature.
        width: Its columns.
        level: 0 for p2 to 4 for p6.
        device: Where the boxes are wanted.
    """
    shapes = [(_SIZES[level] / math.sqrt(ratio), ratio) for ratio in _RATIOS]
    cells = torch.tensor([[-w / 2, -w * r / 2, w / 2, w * r / 2] for w, r in shapes], device=device)
    x = torch.arange(width, device=device) * STRIDES[level]
    y = torch.arange(height, device=device) * STRIDES[level]
    y, x = torch.meshgrid(y, x, indexing="ij")
    corners = torch.stack([x, y, x, y], dim=-1)[:, :, None]  # [height, width, 1, 4]
    return (corners + cells).reshape(-1, 4)


def apply_deltas(deltas: Tensor, boxes: Tensor, weights: tuple[float, ...]) -> Tensor:
    """Boxes moved and scaled by what the network says.

    Args:
        deltas: ``[n, k * 4]``: shift by the box's size and logarithm of the scale, x before y.
        boxes: ``[n, 4]``.
        weights: What the four numbers are divided by.

    Returns:
        ``[n, k * 4]``.
    """
    deltas = deltas.view(len(deltas), deltas.shape[1] // 4, 4) / deltas.new_tensor(weights)
    dx, dy, dw, dh = deltas.unbind(-1)
    size = (boxes[:, 2:] - boxes[:, :2])[:, None]  # [n, 1, 2]
    centre = boxes[:, None, :2] + 0.5 * size
    half = 0.5 * torch.stack([dw, dh], -1).clamp(max=_MAX_LOG_SCALE).exp() * size
    centre = centre + torch.stack([dx, dy], -1) * size
    return torch.cat([centre - half, centre + half], -1).flatten(1)


def clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """The parts of boxes ``[..., 4]`` inside an image of ``size`` (height, width)."""
    height, width = size
    return boxes.clamp(min=0).minimum(boxes.new_tensor([width, height, width, height]))


def has_area(boxes: Tensor) -> Tensor:
    """Which boxes have a positive width and height, bool ``[n]``."""
    return (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])


def levels_of(boxes: Tensor) -> Tensor:
    """The pyramid level that each box is read from, 0 for p2 to 3 for p5, int64 ``[n]``.

    Source: Feature Pyramid Networks (CVPR 2017), equation 1.
    """
    side = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sqrt()
    level = torch.floor(_USUAL_LEVEL + torch.log2(side / _USUAL_SIZE + 1e-8))
    return level.clamp(_FINEST, _COARSEST).long() - _FINEST
