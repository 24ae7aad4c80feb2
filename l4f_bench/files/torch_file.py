"""Files of ``torch.save``, the zip format and the older one, without running anything in them.

Every file is first read as data: names outside the list, storages that its bytes do not fill and
endless pickles are refused before ``torch.load(weights_only=True)`` makes the tensors.
"""

from __future__ import annotations

import mmap
import tarfile
import zipfile
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_tensors import (
    LEGACY_MAGIC,
    STORAGE_NAMES,
    as_storage,
    check_bounds,
    legacy_pickles,
)
from l4f_bench.files.pickled_values import checked_shape
from l4f_bench.files.restricted_pickle import (
    MAX_STEPS,
    Inert,
    PersistentId,
    Record,
    read_pickle,
)

NAMES = STORAGE_NAMES | {
    ("argparse", "Namespace"),
    ("collections", "OrderedDict"),
    ("torch._utils", "_rebuild_tensor_v2"),
    ("torch._utils", "_rebuild_parameter"),
    ("torch", "Size"),
    ("torch", "device"),
    ("_codecs", "encode"),
}
_MAX_PICKLE_BYTES = 64 << 20


def read_torch_file(path: Path, *, meta: bool = False) -> Any:
    """Object that ``torch.save`` wrote, with its tensors on the CPU.

    Args:
        path: A file of either format. Tensors of a zip file stay mapped to it.
        meta: Make tensors without values where the format allows it.

    Raises:
        RefusedError: A name is not allowed, or the tensors are not whole.
    """
    with path.open("rb") as file:
        legacy = file.read(len(LEGACY_MAGIC)) == LEGACY_MAGIC
    if legacy:
        _check_legacy(path)
    else:
        _check_zip(path, meta=meta)
    try:
        with torch.serialization.safe_globals([Namespace]):
            return torch.load(
                path,
                map_location="meta" if meta and not legacy else "cpu",
                weights_only=True,
                mmap=not legacy,
            )
    except UnpicklingError as error:  # whose message advises to load the file unchecked
        reason = str(error).partition("WeightsUnpickler error: ")[2].partition("\n")[0]
        raise RefusedError(f"damaged ({reason or 'PyTorch cannot read it'})") from None


def _check_zip(path: Path, *, meta: bool) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_archive(archive, path.stat().st_size)
            damaged = None if meta else archive.testzip()
            if damaged is not None:
                raise RefusedError(f"damaged: the checksum of {damaged:.60} differs; get it again")
    except zipfile.BadZipFile as error:
        raise RefusedError(f"an incomplete or damaged zip file ({error}); get it again") from error


def _check_archive(archive: zipfile.ZipFile, file_bytes: int) -> None:
    root, entries = _entries(archive, file_bytes)
    byte_order = f"{root}byteorder"
    if byte_order in entries and archive.read(byte_order) != b"little":
        raise RefusedError("tensors of a big-endian machine")
    if entries[f"{root}data.pkl"].file_size > _MAX_PICKLE_BYTES:
        raise RefusedError("a pickle that is larger than any network's")
    records: list[Record] = []
    data = memoryview(archive.read(f"{root}data.pkl"))
    read_pickle(data, NAMES, records=records)
    for key, dtype, count in _storages(records, len(data)):
        entry = entries.get(f"{root}data/{key}")
        if entry is None or entry.file_size != count * dtype.itemsize:
            raise RefusedError(f"incomplete: the tensor storage {key:.40} is not whole")


def _entries(archive: zipfile.ZipFile, file_bytes: int) -> tuple[str, dict[str, zipfile.ZipInfo]]:
    """The folder within a file of ``torch.save``, and all entries by name.

    PyTorch has a zip reader of its own, which looks names up without regard to case and takes the
    directory to be where the file says. Whatever that reader and Python's could understand
    differently is refused.
    """
    infos = archive.infolist()
    entries = {entry.filename: entry for entry in infos}
    if len({name.casefold() for name in entries}) != len(infos):
        raise RefusedError("a zip file with two entries of one name")
    if sum(entry.file_size for entry in infos) > file_bytes:
        raise RefusedError("a zip file whose entries claim more bytes than it has")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in infos):
        raise RefusedError("a compressed zip file, which torch.save does not write")
    roots = [name.removesuffix("data.pkl") for name in entries if name.endswith("/data.pkl")]
    if len(roots) != 1 or roots[0].count("/") != 1:
        raise RefusedError("a zip file that torch.save did not write: no data.pkl in it")
    if not all(name.startswith(roots[0]) for name in entries):
        raise RefusedError("a zip file that torch.save did not write: more than one folder in it")
    if archive.comment or min(entry.header_offset for entry in infos):
        raise RefusedError("a zip file with other data around it")
    return roots[0], entries


def _check_legacy(path: Path) -> None:
    if tarfile.is_tarfile(path):  # PyTorch would unpack it
        raise RefusedError("a tar archive at the same time")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        data = memoryview(mapped)
        try:
            _check_legacy_storages(data)
        finally:
            data.release()


def _check_legacy_storages(data: memoryview) -> None:
    records: list[Record] = []
    _, keys, position = legacy_pickles(data, NAMES, max_steps=MAX_STEPS, records=records)
    storages: dict[str, tuple[torch.dtype, int]] = {}
    for key, dtype, count in _storages(records, len(data)):
        if storages.setdefault(key, (dtype, count)) != (dtype, count):
            raise RefusedError(f"the tensor storage {key:.40} has two lengths")
    # Only texts are compared: a list that holds itself many times over would never end.
    texts = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not texts or sorted(keys) != sorted(storages):
        raise RefusedError("incomplete: its tensor storages are not all listed")
    for key in keys:
        dtype, count = storages[key]
        found = int.from_bytes(data[position : position + 8], "little")
        position += 8 + count * dtype.itemsize
        if found != count or position > len(data):
            raise RefusedError(f"incomplete: the tensor storage {key:.40} is not whole")


def _storages(records: list[Record], file_bytes: int) -> Iterator[tuple[str, torch.dtype, int]]:
    """Every storage that a pickle refers to; its other records are checked on the way."""
    copied = 0
    for record in records:
        if isinstance(record, PersistentId):
            yield as_storage(record)
            continue
        _check_call(record)
        # A text, tuple or dict stands in the file once, however often it is referred to, and is
        # copied for every object that is made from it.
        parts = (*record.args, record.state)
        copied += sum(len(part) for part in parts if isinstance(part, str | tuple | dict))
        if copied > MAX_STEPS + file_bytes:
            raise RefusedError("objects that copy the same values over and over")


def _check_call(record: Inert) -> None:
    """Refuse a call that ``torch.save`` does not write.

    PyTorch would make the object, and whatever is given to it may hold itself many times over: to
    hash or to print that never ends.
    """
    args, is_dict = record.args, record.path == "collections.OrderedDict"
    if record.path == "torch._utils._rebuild_tensor_v2":
        check_bounds(args, as_storage(args[0] if args else None)[2])
        # One argument more could hold flags that change how the numbers are understood.
        fits = len(args) == 6 and isinstance(args[4], bool) and _is_empty_dict(args[5])
    elif record.path == "torch._utils._rebuild_parameter":
        tensor = len(args) == 3 and isinstance(args[0], Inert) and args[0].path.endswith("_v2")
        fits = tensor and isinstance(args[1], bool) and _is_empty_dict(args[2])
    elif record.path == "torch.Size":
        fits = len(args) == 1 and checked_shape(args[0]) is not None
    elif record.path == "torch.device":
        fits = 1 <= len(args) <= 2 and all(type(part) in (str, int) for part in args)
    elif record.path == "_codecs.encode":
        fits = len(args) == 2 and isinstance(args[0], str) and args[1] == "latin1"
    else:
        fits = not args
    if not fits or not (record.state is None or isinstance(record.state, dict)):
        raise RefusedError(f"a call of {record.path} that torch.save does not write")
    if record.items and not is_dict:
        raise RefusedError(f"items in a {record.path}, which torch.save does not write")


def _is_empty_dict(value: Any) -> bool:
    """Whether it is what stands for the hooks of a tensor that has none."""
    hooks = isinstance(value, Inert) and value.path == "collections.OrderedDict"
    return value is None or (hooks and not value.items)
