"""Safetensors files: ours (``g_ema/style.1.weight``) and bare state dicts of others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.generators.checkpoints.checkpoint import Checkpoint, StateDict
from l4f_bench.generators.checkpoints.errors import RefusedError

FORMAT_VERSION = 1
_METADATA_KEY = "l4f_bench"
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


def own_document(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """What ``convert`` noted in the header; None in files of others.

    Raises:
        RefusedError: A newer version of this program wrote it, or it is damaged.
    """
    if _METADATA_KEY not in metadata:
        return None
    document = json.loads(metadata[_METADATA_KEY])
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise RefusedError(f"format version {version!r:.40}; this program reads {FORMAT_VERSION}")
    return dict(document)


def write_tensors(path: Path, checkpoint: Checkpoint, document: Mapping[str, Any]) -> None:
    """Write every network and mean latent of ``checkpoint``, and ``document`` in the header."""
    from safetensors.torch import save_file

    tensors: dict[str, Tensor] = {}
    for name, state_dict in checkpoint.networks.items():
        tensors.update({f"{name}/{key}": value for key, value in state_dict.items()})
    for name, value in checkpoint.latent_averages.items():
        tensors["latent_avg" if name == "g_ema" else f"latent_avg/{name}"] = value
    text = json.dumps(document, sort_keys=True)
    save_file(_separate(tensors), path, metadata={_METADATA_KEY: text})


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
