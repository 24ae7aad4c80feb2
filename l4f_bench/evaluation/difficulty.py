"""What makes an image hard, measured on its true mask and pixels: size, place and contrast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True, slots=True)
class Difficulty:
    """Three traits of an image; None where it has no foreground, no background or no pixels."""

    size: float
    """Share of the pixels that are foreground, 0 to 1."""
    offset: float | None = None
    """Distance of the foreground's centre of mass from the image's, as a share of its side (of a
    long image, of the root of its area)."""
    contrast: float | None = None
    """Distance of the mean colours of foreground and background in RGB, over the background's
    standard deviation along the line through both; at least one grey level."""


def difficulty_of(
    target: BoolArray,
    image: npt.NDArray[np.uint8] | None = None,
    counted: BoolArray | None = None,
) -> Difficulty:
    """Measure an image.

    Args:
        target: True mask ``[H, W]``.
        image: Pixels ``[3, H, W]`` RGB, where they are at hand.
        counted: Pixels ``[H, W]`` that count; None for all.
    """
    inside = target if counted is None else target & counted
    num_counted = target.size if counted is None else int(np.count_nonzero(counted))
    num_inside = int(np.count_nonzero(inside))
    size = num_inside / max(num_counted, 1)
    if not num_inside:
        return Difficulty(size=size)
    height, width = target.shape
    shifts = [
        (inside.sum(axis=axis, dtype=np.int32) @ np.arange(side)) / num_inside - (side - 1) / 2
        for axis, side in ((0, width), (1, height))
    ]
    offset = float(np.hypot(*shifts) / np.sqrt(height * width))
    if image is None or num_inside == num_counted:
        return Difficulty(size=size, offset=offset)
    outside = ~target if counted is None else ~target & counted
    return Difficulty(size=size, offset=offset, contrast=_contrast(image, inside, outside))


def _contrast(image: npt.NDArray[np.uint8], inside: BoolArray, outside: BoolArray) -> float:
    behind = image[:, outside].astype(np.float32)
    apart = image[:, inside].mean(axis=1, dtype=np.float64) - behind.mean(axis=1, dtype=np.float64)
    distance = float(np.linalg.norm(apart))
    if not distance:
        return 0.0
    along = behind.T @ (apart / distance).astype(np.float32)
    return distance / max(float(along.std(dtype=np.float64)), 1.0)
