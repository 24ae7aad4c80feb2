"""Small files of tensors that are no networks' checkpoints: whatever holds them, read as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.torch_file import read_torch_file


def read_object(path: Path) -> Any:
    """What a file of ``torch.save`` or safetensors holds, on the CPU.

    Raises:
        RefusedError: It is neither, or holds what is not allowed.
    """
    kind = sniff(path)
    if kind == "safetensors":
        return read_tensors(path)[0]
    if kind == "torch":
        return read_torch_file(path)
    raise RefusedError("a pickle, which could run code; give .pt or .safetensors")
