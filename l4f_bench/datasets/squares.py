"""Image files of any size and mode, as they are or as squares of one size."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

ByteArray = npt.NDArray[np.uint8]

# Pillow starts an interpreter for some other formats (EPS), whatever the file's name says.
_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM")


def read_square(file: Path | BinaryIO, resolution: int) -> ByteArray | None:
    """The middle square of an image, resized by Lanczos.

    Returns:
        uint8 ``[3, resolution, resolution]`` RGB; None as for :func:`read_rgb`.
    """
    image = _open(file)
    if image is None:
        return None
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize(
        (resolution, resolution),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
    )
    return np.asarray(square).transpose(2, 0, 1)


def read_rgb(file: Path | BinaryIO) -> ByteArray | None:
    """An image of any mode.

    An alpha channel is dropped, 16-bit levels are divided by 257, and of an animation the first
    picture counts.

    Returns:
        uint8 ``[3, H, W]`` RGB; None if the file is no image, is damaged, holds levels of another
        kind, or has too many pixels to be safe to open.
    """
    image = _open(file)
    return None if image is None else np.asarray(image).transpose(2, 0, 1)


def _open(file: Path | BinaryIO) -> Image.Image | None:
    try:
        with Image.open(file, formats=_FORMATS) as opened:
            return _as_rgb(opened)
    except MemoryError:
        raise
    except Exception:  # a damaged file makes Pillow's decoders raise nearly anything
        return None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        levels = np.asarray(image)
        if levels.min() < 0 or levels.max() > 0xFFFF:
            raise ValueError("levels beyond 16 bits")
        return Image.fromarray((levels // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("levels of unknown range")
    if "transparency" in image.info or image.mode == "RGBa":
        image = image.convert("RGBA")  # straight to RGB, Pillow warns
    return image.convert("RGB")
