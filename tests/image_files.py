"""Image files that Pillow does not write, by their bytes."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}  # PNG's colour type by the number of channels


def png16(path: Path, levels: npt.NDArray[np.integer]) -> Path:
    """Write levels ``[H, W]`` or ``[H, W, C]`` as a PNG of 16 bits a channel."""
    deep = np.atleast_3d(levels).astype(">u2")
    height, width, channels = deep.shape
    head = struct.pack(">IIBBBBB", width, height, 16, _COLOURS[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks))
    return path


def tiff(path: Path, pixels: npt.NDArray[np.generic], **tags: int) -> Path:
    """Write grey or RGB pixels as a TIFF of one strip.

    ``tags`` are by name: ``photometric`` (0: zero is white), ``orientation``, ``planes``.
    """
    photometric = tags.get("photometric", 2 if pixels.ndim == 3 else 1)
    is_bool = pixels.dtype == bool
    data = np.packbits(pixels, axis=-1).tobytes() if is_bool else pixels.tobytes()
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    bits = 1 if is_bool else 8 * pixels.dtype.itemsize
    start = 8 + 2 * channels + len(data)
    entries = [
        (256, 4, 1, pixels.shape[1]),
        (257, 4, 1, pixels.shape[0]),
        (258, 3, channels, bits if channels == 1 else 8),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, 1, 8 + 2 * channels),
        (274, 3, 1, tags.get("orientation", 1)),
        (277, 3, 1, channels),
        (278, 4, 1, pixels.shape[0]),
        (279, 4, 1, len(data)),
        (284, 3, 1, tags.get("planes", 1)),
        (339, 3, 1, 3 if pixels.dtype.kind == "f" else 1),
    ]
    folder = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    path.write_bytes(
        struct.pack("<2sHI", b"II", 42, start)
        + struct.pack(f"<{channels}H", *channels * [bits])
        + data
        + struct.pack("<H", len(entries))
        + folder
        + struct.pack("<I", 0)
    )
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
