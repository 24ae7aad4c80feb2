"""Which image files are read, and how their levels become 8 bits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".pgm", ".ppm")
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF", "PPM")
"""Pillow's names of what a file may hold, whatever it is called: for some others (EPS) Pillow
starts an interpreter."""


def eight_bits(image: Image.Image) -> npt.NDArray[np.uint8]:
    """8-bit levels of a 16-bit image (Pillow's modes I;16 and, for some files, I), ``[H, W]``.

    Raises:
        ValueError: It holds levels beyond 16 bits.
    """
    levels = np.asarray(image)
    if levels.size and (levels.min() < 0 or levels.max() > 0xFFFF):
        raise ValueError("levels beyond 16 bits")
    return (levels // 257).astype(np.uint8)
