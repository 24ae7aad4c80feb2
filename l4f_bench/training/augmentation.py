"""Labelled images as they might have looked: part of them, brighter, paler; their masks follow.

Every image's changes come from the seed, the step and its place in the batch, so that processes
that share a batch change each image as one process would.
"""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.distributed import shard
from l4f_bench.seeds import random_numbers

_STREAM = 2  # of the random numbers of a step
_GREY = (0.2989, 0.587, 0.114)  # share of red, green and blue in the grey of an image (ITU-R 601)


class AugmentationConfig(Protocol):
    """The settings of augmentation."""

    @property
    def batch_size(self) -> int:
        """Images a step."""

    @property
    def seed(self) -> int:
        """Seed of the run."""

    @property
    def zoom(self) -> float:
        """Largest magnification."""

    @property
    def brightness(self) -> float:
        """Largest change of brightness."""

    @property
    def contrast(self) -> float:
        """Largest change of contrast."""

    @property
    def saturation(self) -> float:
        """Largest change of saturation."""


def augmented(
    images: Tensor, target: Tensor, config: AugmentationConfig, step: int
) -> tuple[Tensor, Tensor]:
    """This process's share of a batch, each image magnified and coloured by chance.

    Args:
        images: Float ``[N, 3, H, W]`` in [0, 1].
        target: Classes, int64 ``[N, H, W]``.
        config: How much.
        step: Number of the step.

    Returns:
        The same shapes and ranges.
    """
    source = random_numbers(seed=config.seed, index=step, stream=_STREAM)
    drawn = shard(torch.from_numpy(source.random((config.batch_size, 6)))).float()
    zoom, x, y, *jitter = drawn.to(images.device).unbind(1)
    if config.zoom > 1:
        centre = torch.stack([x, y], dim=1)
        images, target = magnified(images, target, 1 + (config.zoom - 1) * zoom, centre)
    strengths = (config.brightness, config.contrast, config.saturation)
    if not any(strengths):
        return images, target
    factors = (1 + most * (2 * share - 1) for most, share in zip(strengths, jitter, strict=True))
    return coloured(images, *factors), target


def magnified(images: Tensor, target: Tensor, zoom: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """A part of each image at the size of the whole, and the same part of its classes.

    Args:
        images: Float ``[N, 3, H, W]``.
        target: Classes, int64 ``[N, H, W]``.
        zoom: How many times the part fits along a side, float ``[N]``, 1 or more.
        place: Where the part lies, float ``[N, 2]`` in [0, 1]: left to right, top to bottom.

    Returns:
        Images by bilinear interpolation, classes of the nearest pixels; the same shapes.
    """
    side = 1 / zoom
    offset = (2 * place - 1) * (1 - side)[:, None]  # of the part's middle; the image spans -1 to 1
    matrix = torch.diag_embed(side[:, None].expand(-1, 2))  # [N, 2, 2]
    matrix = torch.cat([matrix, offset[:, :, None]], dim=2)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    labels = target[:, None].to(images.dtype)  # small whole numbers, which floats hold exactly
    part = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    classes = F.grid_sample(
        labels, grid, mode="nearest", padding_mode="border", align_corners=False
    )
    return part, classes[:, 0].to(target.dtype)


def coloured(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Images with changed colours, by one factor each, ``[N]``; 1 leaves them as they are.

    They are scaled by ``brightness``, drawn apart from their mean grey by ``contrast`` and each
    pixel from its own grey by ``saturation``, in this order, and cut to [0, 1] each time.
    """
    images = (images * _each(brightness)).clamp(0, 1)
    mean_grey = _grey(images).mean((1, 2, 3), keepdim=True)
    images = torch.lerp(mean_grey, images, _each(contrast)).clamp(0, 1)
    return torch.lerp(_grey(images), images, _each(saturation)).clamp(0, 1)


def _each(factor: Tensor) -> Tensor:
    return factor[:, None, None, None]


def _grey(images: Tensor) -> Tensor:
    """``[N, 1, H, W]``."""
    weights = images.new_tensor(_GREY)[:, None, None]
    return (images * weights).sum(1, keepdim=True)
