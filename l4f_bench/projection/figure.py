"""The first photographs beside their reconstructions, masks and errors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from l4f_bench.projection.image_errors import error_picture
from l4f_bench.projection.outputs import MASKS, RECONSTRUCTIONS, path_of
from l4f_bench.projection.placement import ByteArray
from l4f_bench.runs import atomic_path

FIGURE = "figure.png"
_ROWS, _SIDE, _GAP = 8, 256, 4


class Photographs(Protocol):
    """Photographs by number."""

    stems: list[str]
    """Their names without endings."""

    def read(self, index: int) -> ByteArray:
        """Pixels ``[3, H, W]``."""

    def picture(self, pixels: ByteArray, index: int) -> ByteArray:
        """The part of them that was projected, at the size of its reconstruction."""


def write_figure(
    path: Path, folder: Path, indices: Sequence[int], photographs: Photographs
) -> None:
    """Draw a row a photograph: its picture, the reconstruction, the mask, the error.

    In the last column grey levels are mean absolute differences; half of the range is white. The
    mask is left out where there is none.

    Args:
        path: The PNG to write.
        folder: Where the projections are.
        indices: Which photographs were projected; the first eight are drawn.
        photographs: Gives their pixels.

    Raises:
        InputError: A photograph or file cannot be read or written.
    """
    if not indices:
        return
    rows = [_row(folder, index, photographs) for index in indices[:_ROWS]]
    gap = np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8)
    sheet = np.concatenate([part for row in rows for part in (row, gap)][:-1])
    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary, format="png")


def _row(folder: Path, index: int, photographs: Photographs) -> ByteArray:
    stem = photographs.stems[index]
    target = photographs.picture(photographs.read(index), index)
    picture = _pixels(path_of(folder, RECONSTRUCTIONS, stem))
    tiles = [target, picture]
    mask = path_of(folder, MASKS, stem)
    if mask.is_file():
        tiles.append(photographs.picture(_pixels(mask), index))
    tiles.append(error_picture(picture, target))
    gap = np.full((len(_small(target)), _GAP, 3), 255, np.uint8)
    return np.concatenate([part for tile in tiles for part in (_small(tile), gap)][:-1], axis=1)


def _small(tile: ByteArray) -> ByteArray:
    """``[H, W, 3]`` of at most the figure's tile."""
    image = Image.fromarray(np.ascontiguousarray(tile.transpose(1, 2, 0)))
    if image.width > _SIDE:
        size = (_SIDE, max(1, image.height * _SIDE // image.width))
        image = image.resize(size, Image.Resampling.BOX)
    return np.asarray(image)


def _pixels(path: Path) -> ByteArray:
    with Image.open(path) as image:
        return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
