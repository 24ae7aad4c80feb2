"""What a mask would score that never looks at the image: the floor below every score.

``constant`` is the one mask that fits all truths best, on a grid of cells; ``shifted`` takes each
prediction against the next image's truth. A method says something of its images by as much as it
is better than both. They are counted in the same pass, keeping a few hundred bytes of an image.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from l4f_bench.metrics.counts import FN, FP, TN, TP, count_pixels
from l4f_bench.metrics.scores import divide

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

CONSTANT, SHIFTED = "constant", "shifted"
GRID = 64
"""Cells of the constant mask along each side."""


@dataclass(frozen=True, slots=True)
class PackedMask:
    """A mask in an eighth of its bytes."""

    shape: tuple[int, int]
    content: bytes

    @classmethod
    def of(cls, mask: BoolArray) -> PackedMask:
        """Pack a mask ``[H, W]``."""
        height, width = mask.shape
        return cls((height, width), np.packbits(mask).tobytes())

    def mask(self) -> BoolArray:
        """The mask again."""
        bits = np.frombuffer(self.content, np.uint8)
        size = self.shape[0] * self.shape[1]
        return np.unpackbits(bits, count=size).astype(bool).reshape(self.shape)


@dataclass(frozen=True, slots=True)
class Looked:
    """What the controls need of one image."""

    preds: PackedMask
    target: PackedMask
    cells: bytes
    """Foreground pixels of the truth in each cell, packed."""

    @classmethod
    def at(cls, preds: BoolArray, target: BoolArray) -> Looked:
        """Look at the masks ``[H, W]`` of one image."""
        cells = zlib.compress(_by_cell(target).tobytes(), 1)
        return cls(PackedMask.of(preds), PackedMask.of(target), cells)


@dataclass(slots=True)
class Controls:
    """The controls of a set of images, which are added in order."""

    first: PackedMask | None = None
    """The first truth, which the last prediction is taken against."""
    last: PackedMask | None = None
    """The latest prediction."""
    shifted: list[IntArray] = field(default_factory=list)
    """Counts ``[4]`` of each prediction but the last against the next truth."""
    cells: list[bytes] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)

    def add(self, looked: Looked) -> None:
        """Take in the next image."""
        if self.last is None:
            self.first = looked.target
        else:
            self.shifted.append(_against(self.last.mask(), looked.target.mask()))
        self.last = looked.preds
        self.cells.append(looked.cells)
        self.shapes.append(looked.target.shape)

    def counts(self) -> dict[str, IntArray]:
        """Counts int64 ``[N, 4]`` of every image by control; none of a single image or fewer."""
        if self.first is None or self.last is None or len(self.cells) < 2:
            return {}
        around = _against(self.last.mask(), self.first.mask())
        return {CONSTANT: self._constant(), SHIFTED: np.stack([*self.shifted, around])}

    def _constant(self) -> IntArray:
        """Counts of the constant mask of the best pooled mean IoU against every truth.

        Among masks of one number of pixels, none has more hits than that of the cells that are
        foreground most often; so the best is one of as many masks as there are cells.
        """
        pixels, foreground = np.zeros((2, GRID * GRID), np.int64)
        for index, shape in enumerate(self.shapes):
            pixels += _cell_sizes(shape)
            foreground += self._cells(index)
        order = np.argsort(-divide(foreground, pixels, 0.0), kind="stable")
        hits = np.concatenate([[0], foreground[order].cumsum()])
        false = np.concatenate([[0], (pixels - foreground)[order].cumsum()])
        missed, right = hits[-1] - hits, false[-1] - false
        iou_fg = divide(hits, hits + false + missed, 0.0)
        iou_bg = divide(right, right + false + missed, 0.0)
        chosen = np.zeros(GRID * GRID, bool)
        chosen[order[: int(np.argmax(iou_fg + iou_bg))]] = True
        return np.stack([self._of_mask(chosen, index) for index in range(len(self.cells))])

    def _of_mask(self, chosen: BoolArray, index: int) -> IntArray:
        foreground, pixels = self._cells(index), _cell_sizes(self.shapes[index])
        counts = np.empty(4, np.int64)
        counts[TP], counts[FN] = foreground[chosen].sum(), foreground[~chosen].sum()
        background = pixels - foreground
        counts[FP], counts[TN] = background[chosen].sum(), background[~chosen].sum()
        return counts

    def _cells(self, index: int) -> IntArray:
        return np.frombuffer(zlib.decompress(self.cells[index]), np.int32).astype(np.int64)


def _against(preds: BoolArray, target: BoolArray) -> IntArray:
    """Counts of a prediction against the truth of another image, brought to its size."""
    if preds.shape != target.shape:
        rows, columns = (
            np.arange(size) * other // size
            for size, other in zip(preds.shape, target.shape, strict=True)
        )
        target = target[np.ix_(rows, columns)]
    return count_pixels(preds, target)


def _by_cell(mask: BoolArray) -> npt.NDArray[np.int32]:
    """Foreground pixels of a mask ``[H, W]`` in each cell of the grid, ``[GRID, GRID]``."""
    height, width = mask.shape
    if not height % GRID and not width % GRID:  # four times as fast
        rows = mask.view(np.uint8).reshape(GRID, height // GRID, width).sum(1, dtype=np.int32)
        return np.asarray(rows.reshape(GRID, GRID, width // GRID).sum(2, dtype=np.int32))
    starts, labels = zip(*(_cells_along(size) for size in mask.shape), strict=True)
    summed = np.add.reduceat(mask, starts[0], axis=0, dtype=np.int32)
    cells = np.zeros((GRID, GRID), np.int32)
    cells[np.ix_(*labels)] = np.add.reduceat(summed, starts[1], axis=1, dtype=np.int32)
    return cells


@lru_cache(maxsize=256)
def _cell_sizes(shape: tuple[int, int]) -> IntArray:
    """Pixels of an image in each cell of the grid, ``[GRID * GRID]``."""
    along = [np.bincount(np.arange(size) * GRID // size, minlength=GRID) for size in shape]
    return np.outer(*along).ravel().astype(np.int64)


def _cells_along(size: int) -> tuple[IntArray, IntArray]:
    """First pixel and number of each cell along a side; a short one has pixels in some only."""
    cells = np.arange(size) * GRID // size
    starts = np.flatnonzero(np.diff(cells, prepend=-1))
    return starts, cells[starts]
