"""Photographs of any size and mode: whole, or as squares of one size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.decoding import ImageFile, decode, told
from l4f_bench.datasets.depth import ALONE, Depth
from l4f_bench.datasets.remarks import Remark

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Photograph:
    """An image file, or a part of it."""

    pixels: ByteArray
    """uint8 ``[3, H, W]`` RGB."""
    remarks: tuple[Remark, ...]
    """What there is to say about the file."""
    is_lossy: bool
    """Levels are only near to those that were saved."""


def read_square(file: ImageFile, resolution: int, depth: Depth = ALONE) -> Photograph:
    """The middle square of an image, resized by Lanczos.

    It is turned as its EXIF tag says, an alpha channel is dropped, and of an animation the first
    picture counts. Levels of 16 bits are divided by 257, unless they are those of 8 bits.

    Args:
        file: The image.
        resolution: Side of the square.
        depth: Tells the scale of files of more than 8 bits.

    Raises:
        UnreadableError: The file is no image, is damaged, holds levels of another kind, or has too
            many pixels to be safe to open.
    """

    def middle(image: Image.Image) -> Image.Image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        return image.resize(
            (resolution, resolution),
            Image.Resampling.LANCZOS,
            box=(left, top, left + side, top + side),
        )

    return _photograph(file, depth, middle)


def read_rgb(file: ImageFile, depth: Depth = ALONE, *, upright: bool = True) -> Photograph:
    """The whole image, of any mode, as :func:`read_square` reads it.

    Args:
        file: The image.
        depth: Tells the scale of files of more than 8 bits.
        upright: Turn it as its EXIF tag says. Without that, a tag is a remark; TIFF is turned even
            so, since Pillow does it.

    Raises:
        UnreadableError: Where ``read_square`` raises it.
    """
    return _photograph(file, depth, upright=upright)


def _photograph(
    file: ImageFile,
    depth: Depth,
    change: Callable[[Image.Image], Image.Image] = lambda image: image,
    *,
    upright: bool = True,
) -> Photograph:
    with told(file):
        decoded = decode(file)
        image, remarks = depth.choose(decoded)
        image = _as_rgb(image)
        if upright:
            image = decoded.upright(image)
        pixels = np.asarray(change(image)).transpose(2, 0, 1)
    # It is as it is shown, whatever the file's zero stands for.
    found = [remark for remark in remarks if remark is not Remark.WHITE_IS_ZERO]
    if decoded.num_pages > 1:
        found.append(Remark.PAGES)
    if decoded.orientation != 1 and not upright:
        found.append(Remark.TURNED)
    return Photograph(pixels, tuple(found), decoded.is_lossy)


def _as_rgb(image: Image.Image) -> Image.Image:
    if "transparency" in image.info or image.mode == "RGBa":
        image = image.convert("RGBA")  # straight to RGB, Pillow warns
    return image.convert("RGB")
