"""Image files of any size and mode: whole, or as squares of one size."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.formats import FORMATS, eight_bits

ByteArray = npt.NDArray[np.uint8]


def read_square(file: Path | BinaryIO, resolution: int) -> ByteArray | None:
    """The middle square of an image, resized by Lanczos.

    An alpha channel is dropped, 16-bit levels are divided by 257, and of an animation the first
    picture counts.

    Returns:
        uint8 ``[3, resolution, resolution]`` RGB; None if the file is no image, is damaged, holds
        levels of another kind, or has too many pixels to be safe to open.
    """
    image = _open_rgb(file)
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
    """The whole image, of any mode, as :func:`read_square` reads it.

    Returns:
        uint8 ``[3, H, W]`` RGB; None where ``read_square`` gives that.
    """
    image = _open_rgb(file)
    return None if image is None else np.asarray(image).transpose(2, 0, 1)


def size_of(file: Path) -> tuple[int, int] | None:
    """Width and height by the file's header, without decoding it; None if it is no image."""
    try:
        with Image.open(file, formats=FORMATS) as opened:
            return opened.size
    except MemoryError:
        raise
    except Exception:  # see _open_rgb
        return None


def _open_rgb(file: Path | BinaryIO) -> Image.Image | None:
    try:
        with Image.open(file, formats=FORMATS) as opened:
            return _as_rgb(opened)
    except MemoryError:
        raise
    except Exception:  # a damaged file makes Pillow's decoders raise nearly anything
        return None


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return Image.fromarray(eight_bits(image)).convert("RGB")
    if image.mode == "F":
        raise ValueError("levels of unknown range")
    if "transparency" in image.info or image.mode == "RGBa":
        image = image.convert("RGBA")  # straight to RGB, Pillow warns
    return image.convert("RGB")
