"""NumPy's archives of arrays (``.npz``), read without unpickling anything.

An archive says three times how large an array is: in its directory, in its packed bytes and in the
array's own header. All three are compared before memory is taken for the array.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l4f_bench.files.errors import RefusedError

_ALWAYS_READ = 64 << 20  # bytes: the covariance of 2048 numbers takes 32 MiB
_LARGEST_RATIO = 16  # of unpacked to packed bytes above that; measured numbers hardly shrink
_NUMBER_BYTES = 8  # as which every number counts, since it will be computed with in float64
_LONGEST_REASON = 200  # characters; NumPy repeats what it does not understand
_KINDS = "biufU"
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes
_INFLATED = "its arrays take more memory than statistics of a file of this size"
_NPY: Any = np.lib.format
_HEADERS = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}


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
                raise RefusedError(_INFLATED)
            return {name: _array(archive, name, entries[name], limit) for name in entries}
    except (MemoryError, RefusedError):
        raise
    except Exception as error:  # a damaged file makes zipfile and NumPy raise nearly anything
        raise RefusedError(f"{type(error).__name__}: {error!s:.{_LONGEST_REASON}}") from None


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
        content = io.BytesIO(file.read())
    shape, dtype = _header(content)
    count, held = math.prod(shape), len(content.getbuffer()) - content.tell()
    if dtype.hasobject or dtype.kind not in _KINDS:
        raise RefusedError(f"{name} is of type {dtype!s:.40}, which holds no plain numbers or text")
    if count * dtype.itemsize != held:
        raise RefusedError(f"{name} claims the shape {shape!s:.40}, which its bytes do not fill")
    if count * _NUMBER_BYTES > limit:
        raise RefusedError(_INFLATED)
    content.seek(0)
    array: npt.NDArray[Any] = _NPY.read_array(content, allow_pickle=False)
    return array


def _header(content: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = _NPY.read_magic(content)
    if version not in _HEADERS:
        raise RefusedError(f"an array of the unknown format {version}")
    shape, _, dtype = _HEADERS[version](content)
    return shape, dtype
