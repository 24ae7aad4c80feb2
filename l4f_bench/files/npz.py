"""NumPy's archives of arrays (``.npz``), read without unpickling anything.

An archive says three times how large an array is: in its directory, in its packed bytes and in the
array's own header. All three are compared before memory is taken for the array.
"""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy.typing as npt

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.npy import INFLATED, LONGEST_REASON, array_in

_ALWAYS_READ = 64 << 20  # bytes: the covariance of 2048 numbers takes 32 MiB
_LARGEST_RATIO = 16  # of unpacked to packed bytes above that; measured numbers hardly shrink
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes


def read_arrays(path: Path, names: Collection[str]) -> dict[str, npt.NDArray[Any]]:
    """Those arrays of an archive that are asked for and there.

    Args:
        path: The file.
        names: Which arrays.

    Returns:
        Arrays of numbers, truth values or text, by name.

    Raises:
        RefusedError: The file cannot be read, holds anything else under these names, or would
            take memory out of proportion to its size.
    """
    if not path.is_file():
        raise RefusedError("no regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            limit = max(_ALWAYS_READ, _LARGEST_RATIO * path.stat().st_size)
            entries = _entries(archive, names)
            if sum(entry.file_size for entry in entries.values()) > limit:
                raise RefusedError(INFLATED)
            return {name: _array(archive, name, entries[name], limit) for name in entries}
    except (MemoryError, RefusedError):
        raise
    except Exception as error:  # a damaged file makes zipfile and NumPy raise nearly anything
        raise RefusedError(f"{type(error).__name__}: {error!s:.{LONGEST_REASON}}") from None


def _entries(archive: zipfile.ZipFile, names: Collection[str]) -> dict[str, zipfile.ZipInfo]:
    """The entries that hold ``names``."""
    files = [entry.filename.casefold().removesuffix(".npy") for entry in archive.infolist()]
    if len(set(files)) != len(files):
        raise RefusedError("two of its arrays have one name")
    found = {}
    for name, entry in zip(files, archive.infolist(), strict=True):
        if name not in names:
            continue
        if entry.filename != f"{name}.npy" or entry.compress_type not in _METHODS:
            raise RefusedError(f"{entry.filename:.40} is nothing that NumPy wrote")
        found[name] = entry
    return found


def _array(
    archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo, limit: int
) -> npt.NDArray[Any]:
    with archive.open(entry) as file:  # gives no more bytes than the entry claims
        return array_in(file.read(), name, limit)
