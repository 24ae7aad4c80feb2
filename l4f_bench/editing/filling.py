"""What stands behind an object: the hole that it leaves in its image, filled from around.

The paper used a commercial program there (Figure 6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l4f_bench.editing.extra import needed
from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

ByteArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

_RADIUS = 3  # pixels around a pixel that Telea's method looks at


def telea(image: ByteArray, hole: BoolArray) -> ByteArray:
    """Fill from the rim inwards; fast at any size.

    Source: An image inpainting technique based on the fast marching method (Telea, 2004), by
    OpenCV.
    """
    with needed("OpenCV", "Filling by telea", extra="classical"):
        import cv2
    bgr = np.ascontiguousarray(image[..., ::-1])
    filled = cv2.inpaint(bgr, hole.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
    return np.ascontiguousarray(filled[..., ::-1]).astype(np.uint8)


def biharmonic(image: ByteArray, hole: BoolArray) -> ByteArray:
    """Fill with the smoothest surface; minutes for large holes.

    Source: Damelin and Hoang, On surface completion and image inpainting by biharmonic functions
    (2018), by scikit-image.
    """
    with needed("scikit-image", "Filling by biharmonic"):
        from skimage.restoration import inpaint_biharmonic
    filled: ByteArray = np.clip(inpaint_biharmonic(image, hole, channel_axis=-1), 0, 1)
    return np.round(filled * 255).astype(np.uint8)


FILLS: dict[str, Callable[[ByteArray, BoolArray], ByteArray]] = {
    "telea": telea,
    "biharmonic": biharmonic,
}
"""Ways to fill a hole: from an image uint8 ``[H, W, 3]`` and the hole bool ``[H, W]``, which must
be neither empty nor all of it."""


def filling(name: str) -> Callable[[ByteArray, BoolArray], ByteArray]:
    """The way of a name.

    Raises:
        InputError: There is no such way.
    """
    if name not in FILLS:
        raise InputError(unknown_name("way to fill", name, list(FILLS)))
    return FILLS[name]
