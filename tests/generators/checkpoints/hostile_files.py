"""Pieces of hostile files, and what a refusal must look like."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
from pathlib import Path

import pytest
import torch

from l4f_bench.generators.checkpoints import CheckpointError, read_checkpoint, read_outline

READERS = (read_checkpoint, read_outline)


def refusal(path: Path) -> str:
    """Message of both readers, which must agree and take one line."""
    messages = set()
    for reader in READERS:
        with pytest.raises(CheckpointError) as caught:
            reader(path)
        messages.add(str(caught.value))
    assert len(messages) == 1
    message = messages.pop()
    assert "\n" not in message
    assert str(path) in message
    return message


def torch_zip(
    path: Path, data: bytes, compression: int = zipfile.ZIP_STORED, **others: bytes
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", b"3\n")
        for name, content in others.items():
            archive.writestr(name, content)
    return path


def text(value: str) -> bytes:
    """A pickled text."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def doubled(levels: int = 60) -> bytes:
    """A pickled tuple that holds itself 2^levels times over, in a few hundred bytes."""
    refer = [b"q%ch%c\x86" % (level, level) for level in range(levels)]
    return b"K\x01" + b"".join(refer)


def legacy(content: bytes, keys: bytes, storages: bytes = b"") -> bytes:
    """A file of the older ``torch.save``."""
    head = bytes.fromhex("80028a0a6cfc9c46f9206aa850192e")
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}
    return head + pickle.dumps(1001, 2) + pickle.dumps(system, 2) + content + keys + storages


def storage(count: int, key: str = "0") -> bytes:
    """A pickled tensor of one element at the start of a storage of ``count``."""
    kind = text("storage") + b"ctorch\nFloatStorage\n" + text(key) + text("cpu")
    number = b"\x8a\x08" + struct.pack("<q", count)
    tensor = b"(" + kind + number + b"NtQK\x00K\x01\x85K\x01\x85\x89Nt"
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + tensor + b"R"


def shared_bytes(calls: int) -> bytes:
    """A network of NVIDIA's whose parameters all stand on the same bytes."""
    alone = io.BytesIO()
    torch.save(torch.ones(250_000).untyped_storage(), alone, _use_new_zipfile_serialization=False)
    nested = alone.getvalue()
    load = b"ctorch.storage\n_load_from_bytes\nq\x01"
    make = b"ctorch._utils\n_rebuild_tensor_v2\nq\x02"
    build = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\nq\x03"
    stored = b"B" + struct.pack("<I", len(nested)) + nested + b"q\x04"
    tensor = b"h\x02(h\x01h\x04\x85RK\x00J\x90\xd0\x03\x00\x85K\x01\x85\x89NtR"
    tensors = b"".join(text(f"p{i}") + tensor for i in range(calls))
    state = b"}" + text("_parameters") + b"}(" + tensors + b"us"
    meta = b"}(" + text("type") + text("class") + text("state") + state + b"u"
    return (
        b"\x80\x04" + load + b"0" + make + b"0" + build + b"0" + stored + b"0}" + text("G_ema")
        + b"h\x03" + meta + b"\x85Rs."
    )  # fmt: skip
