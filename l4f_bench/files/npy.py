"""One array of NumPy (``.npy``), read without unpickling anything.

An array's header says how large it is. That is compared with the bytes that are there before memory
is taken for it.
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from l4f_bench.files.errors import RefusedError

MAX_BYTES = 1 << 30
"""Largest ``.npy`` that is read: a million latents of 128 numbers, or 64-bit ones of 100,000."""
LONGEST_REASON = 200
"""Characters of what NumPy says that are repeated."""
INFLATED = "its arrays take more memory than statistics of a file of this size"
"""Why arrays are refused that unpack to far more than their file has."""
_NUMBER_BYTES = 8  # as which every number counts, since it will be computed with in float64
_KINDS = "biufU"
_NPY: Any = np.lib.format
_HEADERS = {(1, 0): _NPY.read_array_header_1_0, (2, 0): _NPY.read_array_header_2_0}


def read_array(path: Path) -> npt.NDArray[Any]:
    """The array of numbers, truth values or text in a file.

    Raises:
        RefusedError: The file cannot be read, holds anything else, or is not whole.
    """
    if not path.is_file():
        raise RefusedError("there is no such file" if not path.exists() else "not a regular file")
    if path.stat().st_size > MAX_BYTES:
        raise RefusedError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        return array_in(path.read_bytes(), "its array", _NUMBER_BYTES * MAX_BYTES)
    except (MemoryError, RefusedError):
        raise
    except Exception as error:  # a damaged file makes NumPy raise nearly anything
        raise RefusedError(f"{type(error).__name__}: {error!s:.{LONGEST_REASON}}") from None


def array_in(data: bytes, name: str, limit: int) -> npt.NDArray[Any]:
    """The array in the bytes of a ``.npy``.

    Args:
        data: All bytes.
        name: What messages call it.
        limit: Bytes that its numbers may take as float64.

    Raises:
        RefusedError: It holds no plain numbers or text, not as many as it claims, or too many.
        ValueError: NumPy cannot read its header.
    """
    content = io.BytesIO(data)
    shape, dtype = _header(content)
    count, held = math.prod(shape), len(data) - content.tell()
    if dtype.hasobject or dtype.kind not in _KINDS:
        raise RefusedError(f"{name} is of type {dtype!s:.40}, which holds no plain numbers or text")
    if count * dtype.itemsize != held:
        raise RefusedError(f"{name} claims the shape {shape!s:.40}, which its bytes do not fill")
    if count * _NUMBER_BYTES > limit:
        raise RefusedError(INFLATED)
    content.seek(0)
    array: npt.NDArray[Any] = _NPY.read_array(content, allow_pickle=False)
    return array


def _header(content: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = _NPY.read_magic(content)
    if version not in _HEADERS:
        raise RefusedError(f"an array of the unknown format {version}")
    shape, _, dtype = _HEADERS[version](content)
    return shape, dtype
