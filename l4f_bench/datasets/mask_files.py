"""Mask files as grey levels, whatever mode they were saved in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.decoding import UnreadableError, decode, told
from l4f_bench.datasets.depth import ALONE, Depth
from l4f_bench.datasets.levels import HIGHEST
from l4f_bench.datasets.remarks import Remark

ByteArray = npt.NDArray[np.uint8]

_TRANSPARENT_MODES = ("RGBA", "RGBa", "LA", "La", "PA")


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask file."""

    levels: ByteArray
    """uint8 ``[H, W]``."""
    remarks: tuple[Remark, ...]
    mode: str = "L"
    """Pillow's name of the channels that the file has."""


def read_mask(path: Path, depth: Depth = ALONE) -> Mask:
    """Grey levels of a mask file, upright.

    Colours (palette, RGB, CMYK) become their luminance, transparent pixels are laid over black, and
    1-bit masks become 0 and 255. A mask of one colour whose transparency varies is its alpha
    channel. Levels of 16 bits are divided by 257, unless they are those of 8 bits.

    Args:
        path: The file.
        depth: Tells the scale of files of more than 8 bits.

    Raises:
        UnreadableError: The file is not an image, is cut short, holds levels of another kind, or
            several pages.
    """
    with told(path):
        decoded = decode(path)
        if decoded.num_pages > 1:
            raise UnreadableError(
                path,
                f"holds {decoded.num_pages} pages or frames, and a mask is one. Save the one that "
                "counts as PNG.",
            )
        image, remarks = depth.choose(decoded)
        if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
            image, of_alpha = _without_alpha(image.convert("RGBA"))
            remarks += of_alpha
        if image.mode not in ("L", "1", "P"):
            image = image.convert("RGB")
        grey = image if image.mode == "L" else image.convert("L")
        return Mask(np.asarray(decoded.upright(grey)), remarks, decoded.image.mode)


def _without_alpha(rgba: Image.Image) -> tuple[Image.Image, tuple[Remark, ...]]:
    """A mask with an alpha channel as colours or levels without one."""
    *colours, alpha = (np.asarray(band) for band in rgba.split())
    if alpha.min() == alpha.max():
        return rgba.convert("RGB"), () if alpha.min() == HIGHEST else (Remark.ALPHA_IGNORED,)
    shown = [colour[alpha > 0] for colour in colours]
    if all((colour == colour[0]).all() for colour in shown):
        white = all(colour[0] == HIGHEST for colour in shown)
        return rgba.getchannel("A"), () if white else (Remark.ALPHA_ALONE,)
    over_black = Image.new("RGBA", rgba.size, (0, 0, 0, HIGHEST))
    over_black.alpha_composite(rgba)
    return over_black, ()
