"""The black bars of letterboxed images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.depth import ALONE, Depth
from l4f_bench.datasets.remarks import Remark
from l4f_bench.datasets.squares import read_rgb

_LOSSY_BLACK = 16
"""Level to which a lossy file lifts bars; also the black of video."""
_OUTLIERS, _HIGHEST_OUTLIER = 0.02, 32
"""Share of a bar's levels that may be above it, up to which level."""


@dataclass(frozen=True, slots=True)
class Bars:
    """The rows of an image that are black."""

    rows: npt.NDArray[np.bool_]
    """bool ``[H]``."""
    remarks: tuple[Remark, ...]
    """What there is to say about the file."""


def black_rows(path: Path, depth: Depth = ALONE) -> Bars:
    """Rows of an image, upright, in which every pixel is black.

    Black is 0. In a file that was saved with losses, rows above and below the picture are black
    that have levels up to 16 (2% of them up to 32). Where that would be all rows, the image is dark
    rather than absent, and 0 decides.

    Args:
        path: The image.
        depth: Tells the scale of files of more than 8 bits.

    Raises:
        UnreadableError: The file cannot be read as an image.
    """
    photograph = read_rgb(path, depth)
    levels = photograph.pixels.transpose(1, 0, 2).reshape(photograph.pixels.shape[1], -1)
    rows = levels.max(axis=1) == 0
    if photograph.is_lossy:
        is_lit = levels.max(axis=1) > _HIGHEST_OUTLIER
        is_lit |= (levels > _LOSSY_BLACK).mean(axis=1) > _OUTLIERS
        if is_lit.any():
            inside = np.flatnonzero(is_lit)
            rows[: inside[0]] = True
            rows[inside[-1] + 1 :] = True
    return Bars(rows, photograph.remarks)
