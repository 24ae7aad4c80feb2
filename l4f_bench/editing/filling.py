"""What stands behind an object: the hole that it leaves in its image, filled from around.

The paper used a commercial program there (Figure 6).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from l4f_bench.editing.extra import editing_package
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
    cv2 = editing_package("cv2", "Filling by telea")
    bgr = np.ascontiguousarray(image[..., ::-1])
    filled: ByteArray = cv2.inpaint(bgr, hole.astype(np.uint8), _RADIUS, cv2.INPAINT_TELEA)
    return np.ascontiguousarray(filled[..., ::-1])


def biharmonic(image: ByteArray, hole: BoolArray) -> ByteArray:
    """Fill with the smoothest surface; minutes for large holes.

    Source: Damelin and Hoang, On surface completion and image inpainting by biharmonic functions
    (2018), by scikit-image.
    """
    restoration = editing_package("skimage.restoration", "Filling by biharmonic")
    filled = restoration.inpaint_biharmonic(image, hole, channel_axis=-1)
    return np.round(np.clip(filled, 0, 1) * 255).astype(np.uint8)


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
