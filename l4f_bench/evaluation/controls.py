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

from l4f_bench.metrics.counts import FN, FP, TN, TP
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

    def bits(self) -> npt.NDArray[np.uint8]:
        """The mask, eight pixels in a byte."""
        return np.frombuffer(self.content, np.uint8)

    def at_size(self, shape: tuple[int, int]) -> PackedMask:
        """The mask at another size, by the nearest pixel."""
        if self.shape == shape:
            return self
        pixels = np.unpackbits(self.bits(), count=self.shape[0] * self.shape[1])
        rows, columns = (
            np.arange(size) * own // size for size, own in zip(shape, self.shape, strict=True)
        )
        return PackedMask.of(pixels.astype(bool).reshape(self.shape)[np.ix_(rows, columns)])


@dataclass(frozen=True, slots=True)
class Looked:
    """What the controls need of one image."""

    preds: PackedMask
    target: PackedMask
    counted: PackedMask | None
    """Pixels that count; None for all."""
    cells: bytes
    """Foreground pixels of the truth in each cell and, unless all count, those that count."""

    @classmethod
    def at(cls, preds: BoolArray, target: BoolArray, counted: BoolArray | None = None) -> Looked:
        """Look at the masks ``[H, W]`` of one image, and at which of its pixels count."""
        cells = [_by_cell(target if counted is None else target & counted)]
        if counted is not None:
            cells.append(_by_cell(counted))
        return cls(
            PackedMask.of(preds),
            PackedMask.of(target),
            None if counted is None else PackedMask.of(counted),
            zlib.compress(np.stack(cells).tobytes(), 1),
        )


@dataclass(slots=True)
class Controls:
    """The controls of a set of images, which are added in order."""

    first: Looked | None = None
    """The first image, whose truth the last prediction is taken against."""
    last: Looked | None = None
    """The latest image."""
    shifted: list[IntArray] = field(default_factory=list)
    """Counts ``[4]`` of each prediction but the last against the next truth."""
    cells: list[bytes] = field(default_factory=list)
    shapes: list[tuple[int, int]] = field(default_factory=list)

    def add(self, looked: Looked) -> None:
        """Take in the next image."""
        if self.last is None:
            self.first = looked
        else:
            self.shifted.append(_against(self.last, looked))
        self.last = looked
        self.cells.append(looked.cells)
        self.shapes.append(looked.target.shape)

    def extend(self, other: Controls) -> None:
        """Take in the images that follow."""
        if other.first is None:
            return
        if self.last is None:
            self.first = other.first
        else:
            self.shifted.append(_against(self.last, other.first))
        self.shifted += other.shifted
        self.last = other.last
        self.cells += other.cells
        self.shapes += other.shapes

    def counts(self) -> dict[str, IntArray]:
        """Counts int64 ``[N, 4]`` of every image by control; none of a single image or fewer."""
        if self.first is None or self.last is None or len(self.cells) < 2:
            return {}
        around = _against(self.last, self.first)
        return {CONSTANT: self._constant(), SHIFTED: np.stack([*self.shifted, around])}

    def _constant(self) -> IntArray:
        """Counts of the constant mask of the best pooled mean IoU against every truth.

        Among masks of one number of pixels, none has more hits than that of the cells that are
        foreground most often; so the best is one of as many masks as there are cells.
        """
        pixels, foreground = np.zeros((2, GRID * GRID), np.int64)
        for index in range(len(self.cells)):
            of_image, of_object = self._cells(index)
            pixels += of_image
            foreground += of_object
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
        pixels, foreground = self._cells(index)
        counts = np.empty(4, np.int64)
        counts[TP], counts[FN] = foreground[chosen].sum(), foreground[~chosen].sum()
        background = pixels - foreground
        counts[FP], counts[TN] = background[chosen].sum(), background[~chosen].sum()
        return counts

    def _cells(self, index: int) -> tuple[IntArray, IntArray]:
        """Pixels that count and foreground pixels of an image in each cell."""
        flat = np.frombuffer(zlib.decompress(self.cells[index]), np.int32).astype(np.int64)
        foreground, *counted = flat.reshape(-1, GRID * GRID)
        return counted[0] if counted else _cell_sizes(self.shapes[index]), foreground


def _against(one: Looked, other: Looked) -> IntArray:
    """Counts of one image's prediction against the truth of another, brought to its size."""
    shape = one.preds.shape
    preds, target = one.preds.bits(), other.target.at_size(shape).bits()
    num_pixels = shape[0] * shape[1]
    if other.counted is not None:
        counted = other.counted.at_size(shape).bits()
        preds, target, num_pixels = preds & counted, target & counted, _ones(counted)
    hits, predicted, true = _ones(preds & target), _ones(preds), _ones(target)
    counts = np.empty(4, np.int64)
    counts[TP], counts[FP], counts[FN] = hits, predicted - hits, true - hits
    counts[TN] = num_pixels - predicted - true + hits
    return counts


def _ones(bits: npt.NDArray[np.uint8]) -> int:
    return int(np.bitwise_count(bits).sum(dtype=np.int64))


def _by_cell(mask: BoolArray) -> npt.NDArray[np.int32]:
    """Foreground pixels of a mask ``[H, W]`` in each cell of the grid, ``[GRID, GRID]``."""
    height, width = mask.shape
    if not height % GRID and not width % GRID:  # many times as fast, in bytes while they last
        tall = height // GRID
        narrow = np.uint8 if tall <= np.iinfo(np.uint8).max else np.int32
        rows = mask.view(np.uint8).reshape(GRID, tall, width).sum(1, dtype=narrow)
        starts = np.arange(0, width, width // GRID)
        return np.asarray(np.add.reduceat(rows, starts, axis=1, dtype=np.int32))
    first, labels = zip(*(_cells_along(size) for size in mask.shape), strict=True)
    summed = np.add.reduceat(mask, first[0], axis=0, dtype=np.int32)
    cells = np.zeros((GRID, GRID), np.int32)
    cells[np.ix_(*labels)] = np.add.reduceat(summed, first[1], axis=1, dtype=np.int32)
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
