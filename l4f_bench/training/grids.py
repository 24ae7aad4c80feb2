"""Sample grids: what a trainer shows, as a sheet with a heading over each column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch
from torch import Tensor

from l4f_bench.sheets import Row, Sheet

Grid: TypeAlias = Mapping[str, Tensor]
"""Images by what they show, uint8 ``[N, 3, H, W]`` RGB each, of one N: tensors on any device."""

_SIDE = 128  # largest side of a tile in pixels
_IN_A_ROW = 8  # images where all show the same


def is_grid(value: object) -> bool:
    """Whether this can be drawn."""
    if not isinstance(value, Mapping) or not value:
        return False
    images = list(value.values())
    return (
        all(isinstance(part, Tensor) and part.dtype == torch.uint8 for part in images)
        and all(part.ndim == 4 and part.shape[1] == 3 and part.numel() for part in images)
        and len({len(part) for part in images}) == 1
        and all(isinstance(name, str) for name in value)
    )


def sheet_of(grid: Grid, title: str) -> Sheet:
    """A column for each kind of image and a row for each sample; a single kind in rows of eight."""
    columns = {name: images.permute(0, 2, 3, 1).cpu().numpy() for name, images in grid.items()}
    if len(columns) > 1:
        rows = [Row(tiles=tiles) for tiles in zip(*columns.values(), strict=True)]
        return Sheet(title=title, columns=tuple(columns), rows=rows, side=_SIDE)
    ((name, images),) = columns.items()
    rows = [Row(tiles=list(images[i : i + _IN_A_ROW])) for i in range(0, len(images), _IN_A_ROW)]
    headings = (name, *[""] * (min(len(images), _IN_A_ROW) - 1))
    return Sheet(title=title, columns=headings, rows=rows, side=_SIDE)
