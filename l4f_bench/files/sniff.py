"""What kind of file it is, from its first bytes; nothing in it is executed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_tensors import LEGACY_MAGIC

Kind = Literal["torch", "pickle", "safetensors"]

_START_BYTES = 512
_OTHERS = (
    (rb"\s*<(!doctype|html|head|\?xml)", "a web page, not a checkpoint; download the file again"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the file itself; run `git lfs pull`"),
    (rb"\x1f\x8b", "gzip-compressed; unpack it first"),
    (rb"\x89HDF", "an HDF5 file, not a PyTorch one"),
)


def sniff(path: Path) -> Kind:
    """Tell the three families of network files apart.

    Raises:
        RefusedError: It is not a regular file, or empty, or of none of these families.
    """
    if not path.exists():
        raise RefusedError("there is no such file")
    if not path.is_file():
        raise RefusedError("not a regular file")
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if not start:
        raise RefusedError("the file is empty")
    for pattern, reason in _OTHERS:
        if re.match(pattern, start, re.IGNORECASE):
            raise RefusedError(reason)
    if start.startswith((b"PK\x03\x04", LEGACY_MAGIC)):
        return "torch"
    if re.match(rb"\x80[\x02-\x05]|c[\w.]+\n[\w.]+\n", start):  # the latter: protocol 0
        return "pickle"
    if start[8:9] == b"{":
        return "safetensors"
    raise RefusedError("not a checkpoint of a known format")
