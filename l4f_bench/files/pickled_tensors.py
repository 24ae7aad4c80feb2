"""Tensors inside a pickle: records of storages and views, turned into tensors with checks."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_values import checked_shape
from l4f_bench.files.restricted_pickle import (
    Inert,
    Name,
    Names,
    PersistentId,
    Record,
    read_pickle,
)

DTYPES = {
    "torch.DoubleStorage": torch.float64,
    "torch.FloatStorage": torch.float32,
    "torch.HalfStorage": torch.float16,
    "torch.BFloat16Storage": torch.bfloat16,
    "torch.LongStorage": torch.int64,
    "torch.IntStorage": torch.int32,
    "torch.ShortStorage": torch.int16,
    "torch.CharStorage": torch.int8,
    "torch.ByteStorage": torch.uint8,
    "torch.BoolStorage": torch.bool,
}
STORAGE_NAMES = frozenset((path.rpartition(".")[0], path.rpartition(".")[2]) for path in DTYPES)
LEGACY_MAGIC = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
_MAX_STORAGE_STEPS = 200  # a storage alone takes about 35
_MAX_TENSORS = 20_000


def as_storage(value: Any) -> tuple[str, torch.dtype, int]:
    """Key, dtype and number of elements of the storage that a persistent id stands for.

    Raises:
        RefusedError: It stands for anything else.
    """
    parts = value.value if isinstance(value, PersistentId) else None
    if not isinstance(parts, tuple) or len(parts) < 5 or parts[0] != "storage":
        raise RefusedError("something other than a tensor storage outside its pickle")
    _, kind, key, _, count = parts[:5]
    if not isinstance(kind, Name) or kind.path not in DTYPES or not isinstance(key, str):
        raise RefusedError("a tensor storage of an unknown kind")
    if type(count) is not int or count < 0:
        raise RefusedError("a tensor storage of an impossible length")
    if len(parts) > 5 and parts[5] is not None:
        raise RefusedError("a view of a tensor storage, which only PyTorch before 0.4 wrote")
    return key, DTYPES[kind.path], count


def legacy_pickles(
    data: memoryview, allowed: Names, *, max_steps: int, records: list[Record]
) -> tuple[Any, Any, int]:
    """Object of a legacy ``torch.save`` file, its storage keys, and where their bytes begin.

    ``records`` receives every ``Inert`` and ``PersistentId`` of the object.

    Raises:
        RefusedError: The file is not of that format, or of a big-endian machine.
    """
    position = len(LEGACY_MAGIC)
    if bytes(data[:position]) != LEGACY_MAGIC:
        raise RefusedError("nested bytes that are not a tensor storage")
    version, position = read_pickle(data, allowed, start=position, max_steps=max_steps)
    system, position = read_pickle(data, allowed, start=position, max_steps=max_steps)
    if version != 1001 or not isinstance(system, dict) or system.get("little_endian") is not True:
        raise RefusedError("tensors of an unknown version or byte order")
    content, position = read_pickle(
        data, allowed, start=position, max_steps=max_steps, records=records
    )
    keys, position = read_pickle(data, allowed, start=position, max_steps=max_steps)
    return content, keys, position


class TensorReader:
    """Makes tensors from records; ``meta`` ones have a shape and a dtype but no values."""

    def __init__(self, *, meta: bool) -> None:
        self.meta = meta
        self.count = 0
        self.storages: dict[int, Tensor] = {}

    def tensor(self, value: Any) -> Tensor:
        """Tensor for a pickled tensor or parameter, in memory of its own.

        Raises:
            RefusedError: It reaches beyond its storage, or is something else.
        """
        if isinstance(value, Inert) and value.path == "torch._utils._rebuild_parameter":
            value = value.args[0] if value.args else None
        if not isinstance(value, Inert) or value.path != "torch._utils._rebuild_tensor_v2":
            raise RefusedError("a parameter that is not a tensor")
        self.count += 1
        if self.count > _MAX_TENSORS:
            raise RefusedError(f"more than {_MAX_TENSORS} tensors")
        storage = self._storage(value.args[0] if value.args else None)
        check_bounds(value.args, storage.numel())
        _, offset, size, stride = value.args[:4]
        return storage.as_strided(size, stride, offset)

    def _storage(self, value: Any) -> Tensor:
        if not isinstance(value, Inert) or value.path != "torch.storage._load_from_bytes":
            raise RefusedError("a tensor without a storage")
        raw = value.args[0] if len(value.args) == 1 else None
        if not isinstance(raw, memoryview):
            raise RefusedError("a tensor storage that is not bytes")
        # By its bytes, of which two views never share any: calls of them cost the file nothing.
        if id(raw) not in self.storages:
            self.storages[id(raw)] = _nested_storage(raw, self.meta)
        return self.storages[id(raw)]


def _nested_storage(data: memoryview, meta: bool) -> Tensor:
    """One-dimensional tensor of a storage that was written alone by ``torch.save``."""
    content, keys, position = legacy_pickles(
        data, STORAGE_NAMES, max_steps=_MAX_STORAGE_STEPS, records=[]
    )
    key, dtype, count = as_storage(content)
    raw = data[position + 8 :]
    if keys != [key] or len(data) < position + 8 or len(raw) != count * dtype.itemsize:
        raise RefusedError("a tensor storage whose bytes do not fill its length")
    if struct.unpack("<q", data[position : position + 8]) != (count,):
        raise RefusedError("a tensor storage with two lengths")
    if meta:
        return torch.empty(count, dtype=dtype, device="meta")
    return torch.from_numpy(np.frombuffer(raw, np.uint8).copy()).view(dtype)


def check_bounds(args: tuple[Any, ...], count: int) -> None:
    """Check that a view (storage, offset, shape, stride, ...) lies within ``count`` elements.

    Raises:
        RefusedError: It does not, or the arguments make no view.
    """
    if len(args) < 4 or type(args[1]) is not int or args[1] < 0:
        raise RefusedError("a malformed tensor")
    offset, size, stride = args[1], checked_shape(args[2]), checked_shape(args[3])
    if len(size) != len(stride):
        raise RefusedError("a malformed tensor")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= count:
        raise RefusedError("a tensor that reaches beyond its storage")
