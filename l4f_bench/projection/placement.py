"""Where in a photograph the picture is that is projected, and how masks come back from it.

A photograph of another shape than the picture is padded, cropped or stretched, as asked for; one
with landmarks is cut along an oriented rectangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

ByteArray = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]

Fit = Literal["pad", "crop", "stretch"]
FITS: tuple[str, ...] = get_args(Fit)
"""``pad``: the whole photograph, its edges repeated; ``crop``: the largest part in its middle;
``stretch``: the whole photograph, squeezed, as the public encoders do."""
_BILINEAR = Image.Resampling.BILINEAR
_FURTHEST = 1.0  # how far, in sides of the photograph, a rectangle may reach beyond it


@dataclass(frozen=True, slots=True)
class Placement:
    """A rectangle in a photograph, in pixels; (0, 0) is the upper left corner of the first one."""

    origin: tuple[float, float]
    """x and y of the rectangle's upper left corner."""
    across: tuple[float, float]
    """From there to its upper right corner."""
    down: tuple[float, float]
    """From there to its lower left corner, at a right angle."""

    @property
    def is_upright(self) -> bool:
        """Whether its sides are those of the photograph."""
        return self.across[1] == self.down[0] == 0 and self.across[0] > 0 and self.down[1] > 0


def fitted(size: tuple[int, int], shape: tuple[int, int], fit: Fit) -> Placement:
    """The rectangle of a photograph that becomes the picture.

    Args:
        size: Height and width of the photograph.
        shape: Those of the picture, in any unit.
        fit: One of :data:`FITS`.

    Raises:
        InputError: There is no such fit.
    """
    if fit not in FITS:
        raise InputError(unknown_name("fit", fit, list(FITS)))
    height, width = size
    # Height and width of the rectangle: whole pixels, so that a square photograph stays as it is.
    rows, columns = height, width
    wanted_columns, wanted_rows = height * shape[1] / shape[0], width * shape[0] / shape[1]
    if fit != "stretch" and wanted_columns != width:
        wider = (wanted_columns > width) == (fit == "pad")
        rows = height if wider else round(wanted_rows)
        columns = round(wanted_columns) if wider else width
    left, top = (width - columns) // 2, (height - rows) // 2
    return Placement((left, top), (columns, 0), (0, rows))


def cut(photograph: ByteArray, placement: Placement, size: tuple[int, int]) -> ByteArray:
    """The picture ``[3, H, W]`` that a placement cuts from a photograph ``[3, H, W]``.

    Beyond its edges the photograph goes on with their pixels. Upright pictures are resized by
    Pillow's bilinear filter, as the public encoders do.

    Args:
        photograph: uint8 RGB.
        placement: What to cut.
        size: Height and width of the picture in pixels.

    Raises:
        InputError: The placement lies too far outside of the photograph.
    """
    image = Image.fromarray(np.ascontiguousarray(photograph.transpose(1, 2, 0)))
    _check(placement, image.size)
    cut_out = _cut_upright if placement.is_upright else _cut_oriented
    return np.ascontiguousarray(cut_out(image, placement, size).transpose(2, 0, 1))


def put_back(alpha: FloatArray, placement: Placement, size: tuple[int, int]) -> FloatArray:
    """Alpha of the picture ``[h, w]`` at the photograph's size ``[H, W]``; 0 outside of it.

    Args:
        alpha: float32 in [0, 1].
        placement: Where the picture was cut.
        size: Height and width of the photograph.
    """
    rows, columns = alpha.shape
    image, canvas = Image.fromarray(alpha), Image.new("F", size[::-1], 0.0)
    if placement.is_upright:
        box = _shown(placement, canvas.size)
        part = _within(box, placement, (columns, rows))
        small = image.resize((box[2] - box[0], box[3] - box[1]), _BILINEAR, box=part)
        canvas.paste(small, (box[0], box[1]))
        return np.asarray(canvas).clip(0, 1)
    basis = np.array([placement.across, placement.down]).T  # columns: sides in photograph pixels
    linear = np.array([[columns], [rows]]) * np.linalg.inv(basis)
    offset = -linear @ np.array(placement.origin)
    matrix = (*linear[0], offset[0], *linear[1], offset[1])
    moved = image.transform(canvas.size, Image.Transform.AFFINE, matrix, _BILINEAR)
    return np.asarray(moved).clip(0, 1)


def _cut_upright(image: Image.Image, placement: Placement, size: tuple[int, int]) -> ByteArray:
    """Resize what the photograph shows of the rectangle, then repeat its edges."""
    height, width = size
    box = _shown(placement, image.size)
    left, top, right, bottom = map(round, _within(box, placement, (width, height)))
    small = image.resize((max(right - left, 1), max(bottom - top, 1)), _BILINEAR, box=box)
    left, top = min(left, width - small.width), min(top, height - small.height)
    margins = (
        (top, height - top - small.height),
        (left, width - left - small.width),
        (0, 0),
    )
    return np.pad(np.asarray(small), margins, mode="edge")


def _cut_oriented(image: Image.Image, placement: Placement, size: tuple[int, int]) -> ByteArray:
    """Sample the rectangle, of a photograph whose edges are repeated as far as it reaches."""
    height, width = size
    origin, across, down = map(np.array, (placement.origin, placement.across, placement.down))
    # Where the picture is smaller, averaging first keeps fine detail from turning into noise.
    share = max(1, int(min(np.hypot(*across) / width, np.hypot(*down) / height)))
    image = image.reduce(share)
    origin, across, down = origin / share, across / share, down / share
    corners = np.stack([origin, origin + across, origin + down, origin + across + down])
    low = np.floor(corners.min(axis=0)).astype(int) - 2  # the filter looks two pixels further
    high = np.ceil(corners.max(axis=0)).astype(int) + 2
    rows, columns = (
        np.arange(low[axis], high[axis]).clip(0, image.size[axis] - 1) for axis in (1, 0)
    )
    part = Image.fromarray(np.asarray(image)[rows][:, columns])
    origin = origin - low
    matrix = np.stack([across / width, down / height, origin], axis=1).flatten().tolist()
    bicubic = Image.Resampling.BICUBIC
    return np.asarray(part.transform((width, height), Image.Transform.AFFINE, matrix, bicubic))


def _shown(placement: Placement, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of an upright rectangle that is in a photograph."""
    (left, top), (width, height) = placement.origin, size
    right, bottom = left + placement.across[0], top + placement.down[1]
    return (
        round(max(left, 0)),
        round(max(top, 0)),
        round(min(right, width)),
        round(min(bottom, height)),
    )


def _within(
    box: tuple[int, int, int, int], placement: Placement, size: tuple[int, int]
) -> tuple[float, float, float, float]:
    """A box of the photograph in a picture of a width and height."""
    (left, top), across, down = placement.origin, placement.across[0], placement.down[1]
    x, y = size[0] / across, size[1] / down
    return (
        (box[0] - left) * x,
        (box[1] - top) * y,
        min((box[2] - left) * x, size[0]),
        min((box[3] - top) * y, size[1]),
    )


def _check(placement: Placement, size: tuple[int, int]) -> None:
    """Refuse a rectangle that lies too far outside of a photograph."""
    origin, across, down = map(np.array, (placement.origin, placement.across, placement.down))
    corners = np.stack([origin, origin + across, origin + down, origin + across + down])
    beyond = max(-corners.min(), *(corners.max(axis=0) - size))
    centre = corners.mean(axis=0)
    outside = not ((centre >= 0) & (centre <= size)).all()
    if outside or beyond > _FURTHEST * max(size):
        raise InputError(
            f"A picture with the corners {corners.round().astype(int).tolist()} lies too far "
            f"outside of a photograph of {size[0]} x {size[1]} pixels. Check its landmarks."
        )
