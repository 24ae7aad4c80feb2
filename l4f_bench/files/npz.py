"""NumPy's archives of arrays (``.npz``), read without unpickling anything."""

from __future__ import annotations

import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.files.errors import RefusedError


def read_arrays(
    path: Path, names: Collection[str], *, max_bytes: int
) -> dict[str, npt.NDArray[Any]]:
    """Those arrays of an archive that are asked for and there.

    Args:
        path: The file.
        names: Which arrays.
        max_bytes: What all arrays of the archive may take unpacked.

    Raises:
        RefusedError: The file cannot be read, holds objects, or is larger.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > max_bytes:
                raise RefusedError("its arrays are larger than any of their kind")
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names if name in arrays.files}
    except (MemoryError, RefusedError):
        raise
    except Exception as error:  # a damaged file makes zipfile and NumPy raise nearly anything
        raise RefusedError(" ".join(str(error).split())) from None
