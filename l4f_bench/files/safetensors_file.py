"""Safetensors files: tensors by key, and texts in the header."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.state_dicts import StateDict

_MAX_HEADER_BYTES = 16 << 20  # names and shapes of a 1024 px network take 50 kB
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def read_tensors(path: Path, *, meta: bool = False) -> tuple[StateDict, dict[str, str]]:
    """Tensors and metadata of a safetensors file.

    Args:
        path: The file.
        meta: Read the header only, and make tensors without values.

    Raises:
        RefusedError: The header goes beyond the file, or a dtype is unknown.
    """
    from safetensors import safe_open

    _check_header_length(path)
    with safe_open(path, framework="pt") as file:
        metadata: dict[str, str] = file.metadata() or {}
        if meta:
            return {key: _outline(file.get_slice(key)) for key in file.keys()}, metadata  # noqa: SIM118
        return {key: file.get_tensor(key) for key in file.keys()}, metadata  # noqa: SIM118


def write_tensors(path: Path, tensors: StateDict, metadata: Mapping[str, str]) -> None:
    """Write tensors, and texts in the header; the same arguments give the same bytes."""
    from safetensors.torch import save_file

    save_file(_separate(tensors), path, metadata=dict(metadata))


def _separate(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same, each contiguous and in memory of its own, as the format demands."""
    seen: set[int] = set()
    separate = {}
    for key, value in tensors.items():
        storage = value.untyped_storage()
        alone = storage.data_ptr() not in seen and storage.nbytes() == value.nbytes
        separate[key] = value.contiguous() if alone else value.contiguous().clone()
        seen.add(storage.data_ptr())
    return separate


def _check_header_length(path: Path) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    held = path.stat().st_size - 8
    if length > held:
        raise RefusedError(
            f"incomplete: its header should take {length} bytes where the file holds {held}"
        )
    if length > _MAX_HEADER_BYTES:
        raise RefusedError(f"a header of {length} bytes, where networks need about 50,000")


def _outline(part: Any) -> Tensor:
    dtype = _DTYPES.get(part.get_dtype())
    if dtype is None:
        raise RefusedError(f"tensors of type {part.get_dtype()}")
    return torch.empty(part.get_shape(), dtype=dtype, device="meta")
