"""Mask and image files as arrays, whatever mode they were saved in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from l4f_bench.datasets.formats import FORMATS, eight_bits
from l4f_bench.errors import InputError

ByteArray = npt.NDArray[np.uint8]

_TRANSPARENT_MODES = ("RGBA", "RGBa", "LA", "La", "PA")


@dataclass(frozen=True, slots=True)
class GreyUse:
    """How a mask file uses its grey levels."""

    between: float
    """Share of pixels between the mask's darkest and brightest level; 0 for two-level masks."""
    unreached: int
    """Brightest level if it is above 0 and below the threshold, else 0."""


@dataclass(frozen=True, slots=True)
class GreyMask:
    """A mask file as it was read."""

    levels: ByteArray
    """uint8 ``[H, W]``."""
    grey: GreyUse


def read_mask(path: Path, level: int, *, invert: bool = False) -> GreyMask:
    """Grey levels of a mask file, and how it uses them.

    Args:
        path: The file.
        level: Grey level from which a pixel will count as foreground.
        invert: The object is black: turn the levels round before anything else.

    Raises:
        InputError: As for :func:`read_grey`.
    """
    levels = read_grey(path)
    if invert:
        levels = ~levels
    return GreyMask(levels, _grey_use(levels, level))


def read_grey(path: Path) -> ByteArray:
    """Grey levels of a mask file.

    Colours (palette, RGB, CMYK) become their luminance, transparent pixels are laid over black,
    1-bit masks become 0 and 255, and 16-bit levels are divided by 257.

    Returns:
        uint8 ``[H, W]``.

    Raises:
        InputError: The file is not an image, is cut short, or holds levels of another kind.
    """
    image = _open(path)
    if image.mode.startswith("I"):
        try:
            return eight_bits(image)
        except ValueError as error:
            raise InputError(f"{path} holds {error}. Save it as an 8-bit PNG.") from None
    if image.mode == "F":
        raise InputError(f"{path} holds floating-point levels. Save it as an 8-bit PNG.")
    if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        image.alpha_composite(rgba)
    if image.mode not in ("L", "1", "P"):
        image = image.convert("RGB")
    return np.asarray(image.convert("L"))


def black_rows(path: Path) -> npt.NDArray[np.bool_]:
    """Rows of an image in which every pixel is pure black (the bars of a letterbox).

    Returns:
        bool ``[H]``.

    Raises:
        InputError: The file cannot be read as an image.
    """
    pixels = np.asarray(_open(path).convert("RGB"))
    return np.asarray(pixels.max(axis=(1, 2)) == 0)


def _open(path: Path) -> Image.Image:
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
            return image
    except FileNotFoundError:
        raise InputError(f"{path} does not exist.") from None
    except UnidentifiedImageError:
        raise InputError(f"{path} is not an image. Remove it or save it again as PNG.") from None
    except Image.DecompressionBombError:
        raise InputError(f"{path} has too many pixels to be safe to open. Scale it down.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is damaged or cut short ({error}). Copy or save it again."
        ) from None


def _grey_use(levels: ByteArray, level: int) -> GreyUse:
    """Look at the levels of a mask; cheap where they are 0 and 255 alone."""
    # 0 and 255 become 255 and 254 by wrapping, so everything below 254 is in between.
    if not np.count_nonzero((levels - np.uint8(1)) < 254):
        return GreyUse(0.0, 0)
    histogram = np.bincount(levels.ravel(), minlength=256)
    used = np.flatnonzero(histogram)
    brightest = int(used[-1])
    between = int(histogram[used[1:-1]].sum())
    return GreyUse(between / levels.size, brightest if 0 < brightest < level else 0)
