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
from l4f_bench.sheets import Row, Sheet, write_sheet

FIGURE = "figure.png"
_ROWS, _SIDE = 8, 256
_COLUMNS = ("photograph", "reconstruction", "mask", "error")
_WITHOUT_MASK = ("photograph", "reconstruction", "error")


class Photographs(Protocol):
    """Photographs by number."""

    stems: list[str]
    """Their names without endings."""

    def read(self, index: int) -> ByteArray:
        """Pixels ``[3, H, W]``."""

    def picture(self, pixels: ByteArray, index: int) -> ByteArray:
        """The part of them that was projected, at the size of its reconstruction."""


def write_figure(
    path: Path, folder: Path, indices: Sequence[int], photographs: Photographs, name: str
) -> None:
    """Draw a row a photograph: its picture, the reconstruction, the mask, the error.

    In the last column grey levels are mean absolute differences; half of the range is white. The
    mask is left out where there is none.

    Args:
        path: The PNG to write.
        folder: Where the projections are.
        indices: Which photographs were projected; the first eight are drawn.
        photographs: Gives their pixels.
        name: What they are called, for the title.

    Raises:
        InputError: A photograph or file cannot be read or written.
    """
    if not indices:
        return
    shown = indices[:_ROWS]
    rows = [_row(folder, index, photographs) for index in shown]
    columns = _COLUMNS if len(rows[0].tiles) == len(_COLUMNS) else _WITHOUT_MASK
    title = f"{name}: {len(shown)} of {len(indices)} photographs, and their projections"
    write_sheet(path, Sheet(title=title, columns=columns, rows=rows, side=_SIDE))


def _row(folder: Path, index: int, photographs: Photographs) -> Row:
    stem = photographs.stems[index]
    target = photographs.picture(photographs.read(index), index)
    picture = _pixels(path_of(folder, RECONSTRUCTIONS, stem))
    tiles = [target, picture]
    mask = path_of(folder, MASKS, stem)
    if mask.is_file():
        tiles.append(photographs.picture(_pixels(mask), index))
    tiles.append(error_picture(picture, target))
    return Row(tiles=[tile.transpose(1, 2, 0) for tile in tiles], caption=stem)


def _pixels(path: Path) -> ByteArray:
    with Image.open(path) as image:
        return np.ascontiguousarray(np.asarray(image.convert("RGB")).transpose(2, 0, 1))
