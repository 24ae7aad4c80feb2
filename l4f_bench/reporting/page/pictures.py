"""Figures beside records, put into the page as WebP."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from l4f_bench.datasets.decoding import decode
from l4f_bench.errors import InputError
from l4f_bench.sheets import DESCRIPTION

_QUALITY = 80
_LARGEST_FILE = 30_000_000  # bytes; our figures have less than one million
_LONGEST_TEXT = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """An image of its real size, or why there is none."""

    source: str = ""
    """A data URI; empty where there is none."""
    width: int = 0
    height: int = 0
    text: str = ""
    """What it shows, or why it is missing."""


class Album:
    """Takes pictures in until a page would be too large."""

    def __init__(self, budget: int) -> None:
        """Let all data URIs together have ``budget`` characters."""
        self._left = budget

    def picture(self, path: Path, usual: str) -> Picture:
        """The figure in a file.

        Args:
            path: Where it would be.
            usual: What it shows, where the file does not say.
        """
        if not path.is_file():
            return Picture(text=f"There is no {path.name} beside the record.")
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise InputError("it is too large")
            image = decode(path).image.convert("RGB")
            said = _description(path) or usual
        except (InputError, OSError) as error:
            return Picture(text=f"{path.name} beside the record cannot be shown: {error}")
        source = _data_uri(image)
        if len(source) > self._left:
            return Picture(text=f"{path.name} beside the record was left out to keep this small.")
        self._left -= len(source)
        return Picture(source=source, width=image.width, height=image.height, text=said)


def _description(path: Path) -> str:
    with Image.open(path) as image:
        said = image.info.get(DESCRIPTION, "")
    return said[:_LONGEST_TEXT] if isinstance(said, str) else ""


def _data_uri(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="webp", quality=_QUALITY, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
