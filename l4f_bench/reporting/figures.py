"""Figures of images with their masks, as in the paper's Figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.analysis.records import Tiles
from l4f_bench.evaluation.examples import Example
from l4f_bench.evaluation.records import Record
from l4f_bench.sheets import SIDE, ByteArray, Row, Sheet, fitted, resized, write_sheet

EXAMPLES_FILE = "examples.png"
_TILE = 96  # side of an image of an analysis
_GREEN, _RED = (90, 255, 90), (255, 40, 70)
_DIMMED = 0.45  # brightness of the grey image below the errors, so that no object hides them
_GREY = np.array([0.299, 0.587, 0.114], np.float32)
_LEGEND = (("false positive", _GREEN), ("false negative", _RED))
_COLUMNS = ("image", "truth", "prediction", "errors")


def write_examples(path: Path, examples: Sequence[Example], record: Record) -> None:
    """Draw one row per example: image, truth, prediction, and the errors over the dimmed image.

    Args:
        path: The PNG to write.
        examples: What is shown.
        record: Of their evaluation, which the title names.

    Raises:
        InputError: The file cannot be written.
    """
    rows = [Row(tiles=_columns(example), caption=example.title) for example in examples]
    write_sheet(path, Sheet(title=_title(record), columns=_COLUMNS, rows=rows, legend=_LEGEND))


def write_tiles(path: Path, tiles: Tiles, title: str) -> None:
    """Draw a row for each sample and a column for each version of it, named at its head.

    Raises:
        InputError: The file cannot be written.
    """
    rows = [Row(tiles=list(row)) for row in tiles.images]
    write_sheet(path, Sheet(title=title, columns=tiles.headers, rows=rows, side=_TILE))


def errors_shown(example: Example, side: int = SIDE) -> ByteArray:
    """False positives green and false negatives red over the image, grey and dimmed.

    Returns:
        ``[h, w, 3]`` with a longer side of ``side`` pixels. A pixel stands for all those of the
        image that it covers and is coloured where one of them is wrong, so that errors of a
        pixel's width are still seen; where both kinds are, the more frequent one.
    """
    height, width = example.truth.shape
    height, width = fitted(height, width, side)
    grey = resized(example.image, side).astype(np.float32) @ _GREY * _DIMMED
    pixels = np.repeat(grey[..., None], 3, axis=2)
    positive = _covered(example.preds & ~example.truth, height, width)
    negative = _covered(example.truth & ~example.preds, height, width)
    pixels[(positive > 0) & (positive >= negative)] = _GREEN
    pixels[negative > positive] = _RED
    return pixels.astype(np.uint8)


def _covered(mask: npt.NDArray[np.bool_], height: int, width: int) -> npt.NDArray[np.int64]:
    """How many pixels of a mask each pixel of ``[height, width]`` covers."""
    counts = mask.astype(np.int64)
    for axis, wanted in enumerate((height, width)):
        size = counts.shape[axis]
        if wanted >= size:
            counts = counts.take(np.arange(wanted) * size // wanted, axis)
        else:
            counts = np.add.reduceat(counts, np.arange(wanted) * size // wanted, axis)
    return counts


def _columns(example: Example) -> list[ByteArray]:
    masks = [
        np.repeat(m[..., None], 3, axis=2) * np.uint8(255) for m in (example.truth, example.preds)
    ]
    return [example.image, *masks, errors_shown(example)]


def _title(record: Record) -> str:
    psi = "" if record.truncation is None else f", psi {record.truncation:g}"
    return (
        f"{record.method_title} on {record.dataset_title} ({record.label}){psi}, n {record.n}: "
        "worst, median and best by foreground IoU"
    )
