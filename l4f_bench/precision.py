"""What the networks of a method compute in."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

if TYPE_CHECKING:
    import torch
    from torch import nn

FLOAT32, BF16 = PRECISIONS = ("float32", "bf16")
"""``bf16``: convolutions and products of matrices in bfloat16, the rest in float32. It is twice as
fast where a processor or GPU has units for it (reports/performance/precision.md)."""
HELP = "float32, or bf16: faster where there are units for it, less exact"
NOTE = (
    "Computed in bfloat16, where published numbers are of float32: masks differ at their edges "
    "(reports/performance/precision.md)."
)


def check_precision(name: str) -> None:
    """Raise unless a precision has that name.

    Raises:
        InputError: There is none; the message gives the nearest and all known ones.
    """
    if name not in PRECISIONS:
        raise InputError(unknown_name("precision", name, list(PRECISIONS)))


def computing_in(name: str, device: torch.device) -> AbstractContextManager[object]:
    """While it lasts, networks on a device compute in that precision."""
    if name == FLOAT32:
        return nullcontext()
    import torch

    return torch.autocast(device.type, torch.bfloat16)


def cast_once(network: nn.Module) -> None:
    """Store the weights that autocast would bring to bfloat16 at every call; results are the same.

    Only for networks that are called in bfloat16 alone.
    """
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            module.weight.data = module.weight.data.bfloat16()


def suffix(name: str) -> str:
    """What a label says of a precision that is not the usual one."""
    return "" if name == FLOAT32 else f", {name}"


def notes(name: str) -> list[str]:
    """What a record says of a precision."""
    return [NOTE] if name == BF16 else []
