"""True masks that are colour images: the object on a background of one colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.squares import read_rgb

TOLERANCE = 32
"""How far a channel of the background may lie from its colour. JPEG blurs colours over the rim of
an object: of drawn ones on blue, saved at qualities 75 to 95, equality gives masks of IoU 0.81 to
0.91, a tolerance of 32 IoU 0.97 to 0.99, and from 48 on it takes blue objects for background."""


def read_coloured(path: Path, background: tuple[int, int, int]) -> npt.NDArray[np.bool_]:
    """The pixels of a colour image that are not of the background's colour.

    Returns:
        bool ``[H, W]``, True = object.

    Raises:
        UnreadableError: The file cannot be read as an image.
    """
    pixels = read_rgb(path).pixels
    apart = np.abs(pixels.astype(np.int16) - np.array(background, np.int16)[:, None, None])
    return np.asarray(apart.max(axis=0) > TOLERANCE)
