"""8-bit levels of files that hold other ones, by the levels that are really there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.remarks import Remark

HIGHEST = 255
_DARK = 64  # what 14 of 16 bits reach: cameras' files that are not stretched to all bits
_ROUNDING = 1e-3  # by which a float that should be 1 may be above


class UnfitLevelsError(ValueError):
    """Levels that have no meaning as an image's; the message says which they are."""


@dataclass(frozen=True, slots=True)
class EightBits:
    """Levels of a file as an image of 8 bits a channel."""

    image: Image.Image
    """With the highest level that the file can hold as 255."""
    small: Image.Image | None = None
    """With the file's own levels, where it could hold more than 8 bits and none is above 255."""
    goes_beyond: bool = False
    """The file has a level above 255."""
    remarks: tuple[Remark, ...] = ()


def from_integers(image: Image.Image, *, white_is_zero: bool) -> EightBits:
    """Grey levels of up to 16 bits, in one of Pillow's modes I.

    Raises:
        UnfitLevelsError: They are negative or have more bits.
    """
    levels = np.asarray(image)
    lowest, highest = (int(levels.min()), int(levels.max())) if levels.size else (0, 0)
    if lowest < 0 or highest > 0xFFFF:
        raise UnfitLevelsError(f"levels from {lowest} to {highest}, beyond 16 bits")
    dark = HIGHEST < highest < _DARK * 257
    return EightBits(
        image=_grey(levels // 257, white_is_zero),
        small=_grey(levels, white_is_zero) if 0 < highest <= HIGHEST else None,
        goes_beyond=highest > HIGHEST,
        remarks=(Remark.DARK,) if dark and not white_is_zero else (),
    )


def from_floats(image: Image.Image, *, white_is_zero: bool) -> EightBits:
    """Floating-point levels: from 0 to 1, or whole numbers up to 255.

    Raises:
        UnfitLevelsError: They are neither.
    """
    levels = np.asarray(image)
    lowest, highest = (float(levels.min()), float(levels.max())) if levels.size else (0.0, 0.0)
    if lowest >= 0 and highest <= 1 + _ROUNDING:  # False where one is not a number
        scaled = np.rint(levels.clip(0, 1) * HIGHEST)
        return EightBits(_grey(scaled, white_is_zero), remarks=(Remark.FLOATS,))
    if lowest >= 0 and highest <= HIGHEST and np.array_equal(levels, np.rint(levels)):
        return EightBits(_grey(levels, white_is_zero), remarks=(Remark.WHOLE_FLOATS,))
    raise UnfitLevelsError(
        f"floating-point levels from {lowest:g} to {highest:g}, which are neither 0 to 1 nor whole "
        "numbers up to 255"
    )


def from_colours(image: Image.Image, low: Image.Image | None, *, is_wide: bool) -> EightBits:
    """An image of 8 bits, or the higher 8 of 16.

    Args:
        image: The image.
        low: The lower 8 bits, where no higher one is set.
        is_wide: The file has 16 bits.
    """
    if not is_wide:
        return EightBits(image)
    if low is not None:
        return EightBits(image, low if low.tobytes() != image.tobytes() else None)
    dark = image.mode != "CMYK" and brightest(image) < _DARK  # of CMYK 0 is white
    return EightBits(image, goes_beyond=True, remarks=(Remark.DARK,) if dark else ())


def brightest(image: Image.Image) -> int:
    """The highest level of any colour of an 8-bit image."""
    colours = image.convert("RGB")
    return int(np.asarray(colours).max())


def _grey(levels: npt.NDArray[np.generic], white_is_zero: bool) -> Image.Image:
    grey = levels.astype(np.uint8)
    return Image.fromarray(HIGHEST - grey if white_is_zero else grey)
