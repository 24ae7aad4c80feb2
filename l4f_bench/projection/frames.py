"""Which part of a generator's image is the picture, and how large an encoder sees it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from l4f_bench.errors import InputError

_LARGEST_SIDE = 4096  # a file cannot make us resize photographs to any size


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The picture within the square that a generator paints."""

    height: int
    """Rows that the encoder sees."""
    width: int
    """Columns that the encoder sees."""
    top: float = 0.0
    """Height of what lies above the picture, and of what lies below, as a part of the square's."""

    def __post_init__(self) -> None:
        for side in (self.height, self.width):
            if type(side) is not int or not 1 <= side <= _LARGEST_SIDE:
                raise InputError(f"A side of {side} pixels is none: use 1 to {_LARGEST_SIDE}.")
        if not 0 <= self.top < 0.5:
            raise InputError(f"Bars of {self.top:g} of the height leave no picture.")

    def picture_size(self, generator_size: int) -> tuple[int, int]:
        """Height and width of the picture in the images of a generator."""
        rows = self._rows(generator_size)
        return rows.stop - rows.start, generator_size

    def picture(self, image: Tensor) -> Tensor:
        """The picture of images or masks ``[..., S, S]``."""
        return image[..., self._rows(image.shape[-2]), :]

    def _rows(self, size: int) -> slice:
        margin = round(self.top * size)
        return slice(margin, size - margin)


def square(side: int) -> Frame:
    """The whole square, seen by the encoder at this side."""
    return Frame(height=side, width=side)


def cars(side: int = 256) -> Frame:
    """Of e4e's cars: 192 rows of 256 columns are seen; rows 64 to 447 of 512 are the picture.

    Source: encoder4editing, the transforms of its cars configuration.
    """
    return Frame(height=side * 3 // 4, width=side, top=0.125)
