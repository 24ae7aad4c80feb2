"""Sheets of images: a title, a legend, a heading over each column, a caption under each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from l4f_bench.runs import atomic_path
from l4f_bench.terminal import one_line

ByteArray = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

DESCRIPTION = "Description"
"""Text of a PNG that says what its sheet shows, for those who cannot see it."""
FIGURE = "figure.png"
"""What the sheet of a run's folder is called."""
SIDE = 192
"""Largest side of a tile in pixels, unless a sheet has another."""
_GAP, _MARGIN = 4, 6
_TEXT, _LINE = 12, 17  # size of letters, height of a line
_LETTER = _TEXT * 0.62  # width of most letters
_PAPER, _INK, _MUTED = "white", "black", (90, 90, 90)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Tiles side by side."""

    tiles: Sequence[ByteArray]
    """``[H, W, 3]`` RGB each."""
    caption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """What is drawn."""

    title: str
    columns: tuple[str, ...]
    """Headings."""
    rows: Sequence[Row]
    legend: tuple[tuple[str, Colour], ...] = ()
    side: int = SIDE
    """Largest side of a tile: larger images are shrunk, smaller ones enlarged."""


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Draw a sheet as a PNG, whose text says the same in words.

    Raises:
        InputError: The file cannot be written.
    """
    drawn = _Drawn(sheet)
    said = [sheet.title, *(row.caption for row in sheet.rows if row.caption)]
    info = PngInfo()
    info.add_itxt(DESCRIPTION, ". ".join(map(one_line, said)))
    with atomic_path(path) as temporary:
        drawn.image.save(temporary, format="png", pnginfo=info)


def fitted(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of the same shape whose longer side is ``side``."""
    longer = max(height, width)
    return max(1, round(height * side / longer)), max(1, round(width * side / longer))


def resized(pixels: ByteArray, side: int) -> ByteArray:
    """An image ``[H, W, 3]`` whose longer side is ``side``: shrunk by means, enlarged as blocks."""
    height, width = pixels.shape[:2]
    height, width = fitted(height, width, side)
    small = Image.fromarray(np.ascontiguousarray(pixels)).resize(
        (width, height), Image.Resampling.BOX
    )
    return np.asarray(small)


class _Drawn:
    """A sheet being drawn from its top to its foot."""

    def __init__(self, sheet: Sheet) -> None:
        self._font = ImageFont.load_default(size=_TEXT)
        self._sheet = sheet
        tiles = [[resized(tile, sheet.side) for tile in row.tiles] for row in sheet.rows]
        self._pitch = max(tile.shape[1] for row in tiles for tile in row) + _GAP
        self._width = max(self._pitch * len(sheet.columns) - _GAP, sheet.side)
        heights = [max(tile.shape[0] for tile in row) for row in tiles]
        title = self._wrapped(sheet.title)
        captions = [self._wrapped(row.caption) for row in sheet.rows]
        head = _LINE * (len(title) + bool(sheet.legend) + 1) + _MARGIN
        feet = [_LINE * len(lines) + _GAP for lines in captions]
        size = (self._width + 2 * _MARGIN, head + _MARGIN + sum(heights) + sum(feet))
        self.image = Image.new("RGB", size, _PAPER)
        self._draw = ImageDraw.Draw(self.image)
        self._top = _MARGIN
        self._write(title, _INK)
        self._draw_legend()
        self._draw_headings()
        for row, height, caption in zip(tiles, heights, captions, strict=True):
            self._draw_row(row, height)
            self._write(caption, _INK)
            self._top += _GAP

    def _wrapped(self, text: str) -> list[str]:
        """Lines that are no longer than the sheet is wide."""
        most = max(8, int(self._width / _LETTER))
        lines: list[str] = []
        for word in one_line(text).split():
            pieces = [word[start : start + most] for start in range(0, len(word), most)]
            for piece in pieces:
                if lines and len(lines[-1]) + 1 + len(piece) <= most:
                    lines[-1] = f"{lines[-1]} {piece}"
                else:
                    lines.append(piece)
        return lines

    def _write(self, lines: list[str], colour: str | Colour) -> None:
        for line in lines:
            self._draw.text((_MARGIN, self._top), line, fill=colour, font=self._font)
            self._top += _LINE

    def _draw_legend(self) -> None:
        left = _MARGIN
        for text, colour in self._sheet.legend:
            box = (left, self._top + 2, left + _TEXT, self._top + 2 + _TEXT)
            self._draw.rectangle(box, fill=colour, outline=_MUTED)
            left += _TEXT + _GAP
            self._draw.text((left, self._top), text, fill=_INK, font=self._font)
            left += round(self._draw.textlength(text, font=self._font)) + 3 * _MARGIN
        self._top += _LINE * bool(self._sheet.legend)

    def _draw_headings(self) -> None:
        most = max(1, int(self._pitch / _LETTER))
        for column, heading in enumerate(self._sheet.columns):
            at = (_MARGIN + column * self._pitch, self._top)
            self._draw.text(at, one_line(heading)[:most], fill=_MUTED, font=self._font)
        self._top += _LINE

    def _draw_row(self, tiles: list[ByteArray], height: int) -> None:
        for column, tile in enumerate(tiles):
            place = (_MARGIN + column * self._pitch, self._top)
            self.image.paste(Image.fromarray(tile), place)
        self._top += height + 2
