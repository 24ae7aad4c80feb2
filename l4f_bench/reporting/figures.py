"""Figures of samples with their masks, as in the paper's Figures 4 and 5."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from l4f_bench.analysis.records import Tiles
from l4f_bench.evaluation.examples import Example
from l4f_bench.runs import atomic_path

ByteArray = npt.NDArray[np.uint8]

_SIDE, _GAP, _CAPTION = 192, 4, 14
_TILE = 96  # side of an image of an analysis
_GREEN, _RED = (0, 200, 0), (220, 0, 0)


def write_examples(path: Path, examples: Sequence[Example]) -> None:
    """Draw one row per example: image, truth, prediction, and both over the image.

    In the last column false positives are green and false negatives red; the caption under each
    row says which sample it is.

    Raises:
        InputError: The file cannot be written.
    """
    width, height = 4 * (_SIDE + _GAP) - _GAP, _SIDE + _CAPTION
    sheet = Image.new("RGB", (width, height * len(examples)), "white")
    draw = ImageDraw.Draw(sheet)
    for row, example in enumerate(examples):
        for column, pixels in enumerate(_columns(example)):
            tile = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BOX)
            sheet.paste(tile, (column * (_SIDE + _GAP), row * height))
        draw.text((0, row * height + _SIDE + 1), example.title, fill="black")
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="png")


def write_tiles(path: Path, tiles: Tiles) -> None:
    """Draw a row for each sample and a column for each version of it, named at its head.

    Raises:
        InputError: The file cannot be written.
    """
    rows, columns = tiles.images.shape[:2]
    pitch = _TILE + _GAP
    sheet = Image.new("RGB", (columns * pitch - _GAP, _CAPTION + rows * pitch - _GAP), "white")
    draw = ImageDraw.Draw(sheet)
    for column, header in enumerate(tiles.headers):
        draw.text((column * pitch, 1), header, fill="black")
        for row in range(rows):
            tile = Image.fromarray(tiles.images[row, column])
            tile = tile.resize((_TILE, _TILE), Image.Resampling.BOX)
            sheet.paste(tile, (column * pitch, _CAPTION + row * pitch))
    with atomic_path(path) as temporary:
        sheet.save(temporary, format="png")


def overlay(example: Example) -> ByteArray:
    """The image with false positives tinted green and false negatives red, ``[H, W, 3]``."""
    pixels = example.image.astype(np.float32)
    wrong = {_GREEN: example.preds & ~example.truth, _RED: example.truth & ~example.preds}
    for colour, where in wrong.items():
        pixels[where] = 0.4 * pixels[where] + 0.6 * np.array(colour)
    return pixels.astype(np.uint8)


def _columns(example: Example) -> list[ByteArray]:
    masks = [
        np.repeat(m[..., None], 3, axis=2) * np.uint8(255) for m in (example.truth, example.preds)
    ]
    return [example.image, *masks, overlay(example)]
