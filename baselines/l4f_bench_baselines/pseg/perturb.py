"""Perturbations under which PSeg's layers must stay plausible.

Source: Emergence of Object Segmentation in Perturbed Generative Models (NeurIPS 2019).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench_baselines.pseg.generator import Layers


def contrast_jitter(images: Tensor, factors: Tensor) -> Tensor:
    """Scale each channel's distance from its mean, within the range that the channel had.

    Args:
        images: ``[N, C, H, W]``.
        factors: One factor per image ``[N]``; 1 changes nothing.
    """
    mean = images.mean(dim=(2, 3), keepdim=True)
    scaled = (images - mean) * factors.view(-1, 1, 1, 1) + mean
    low, high = images.amin(dim=(2, 3), keepdim=True), images.amax(dim=(2, 3), keepdim=True)
    return torch.minimum(torch.maximum(scaled, low), high)


def shift(images: Tensor, offsets: Tensor) -> Tensor:
    """Move images by whole pixels; what comes in from outside is 0.

    Args:
        images: ``[N, C, H, W]``.
        offsets: int64 ``[N, 2]``: pixels to the right and down.
    """
    height, width = images.shape[2:]
    columns = torch.arange(width, device=images.device) - offsets[:, :1]  # [N, W], the sources
    rows = torch.arange(height, device=images.device) - offsets[:, 1:]
    inside_rows, inside_columns = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
    inside = inside_rows[:, None, :, None] & inside_columns[:, None, None, :]
    rows = rows.clamp(0, height - 1)[:, None, :, None].expand_as(images)
    columns = columns.clamp(0, width - 1)[:, None, None, :].expand_as(images)
    return images.gather(2, rows).gather(3, columns) * inside


def cut_squares(images: Tensor, corners: Tensor, side: int) -> Tensor:
    """One square of each image, which is how real objects get their places.

    Args:
        images: ``[N, C, H, W]``.
        corners: int64 ``[N, 2]``: top row and left column.
        side: Side of the squares.
    """
    rows, columns = (corner[:, None] + torch.arange(side) for corner in corners.unbind(1))
    first = torch.arange(len(images))[:, None, None]
    return images.permute(0, 2, 3, 1)[first, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)


def perturb(layers: Layers, offsets: Tensor, factors: Tensor) -> Layers:
    """Move foreground and alpha together, and change the background's contrast."""
    moved = shift(torch.cat([layers.foreground, layers.alpha], dim=1), offsets)
    foreground, alpha = torch.split(moved, [3, 1], dim=1)
    return Layers(contrast_jitter(layers.background, factors), foreground, alpha)


def draw_perturbations(
    source: np.random.Generator, num_images: int, *, reach: float, side: int, contrast: float
) -> tuple[Tensor, Tensor]:
    """Offsets and contrast factors of some images.

    Args:
        source: Random numbers.
        num_images: How many to draw.
        reach: Largest offset as a share of the side.
        side: Side of the images in pixels.
        contrast: Largest change of contrast.

    Returns:
        int64 ``[N, 2]`` and float32 ``[N]``.
    """
    unit: npt.NDArray[np.float32] = 2 * source.random((num_images, 3), dtype=np.float32) - 1
    offsets = torch.from_numpy(unit[:, :2] * reach * side).round().long()
    return offsets, torch.from_numpy(1 + contrast * unit[:, 2])
