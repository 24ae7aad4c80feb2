"""State dicts as files hold them: plain tensors by key, of no more bytes than the file has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError

StateDict = dict[str, Tensor]
"""Tensors by key."""


def without_prefix(state_dict: Mapping[str, Tensor]) -> StateDict:
    """The same without the ``module.`` that distributed training puts before every key."""
    if state_dict and all(key.startswith("module.") for key in state_dict):
        return {key.removeprefix("module."): value for key, value in state_dict.items()}
    return dict(state_dict)


def checked_tensors(networks: Mapping[str, Mapping[str, Any]], file_bytes: int) -> None:
    """Refuse networks that hold anything but dense tensors of a total size the file can hold.

    Raises:
        RefusedError: Some value is no dense tensor, or has no elements or more than its storage;
            small storages stand under many names; or a number is NaN or infinite in float32.
    """
    allowance = Allowance(file_bytes)
    for name, state_dict in networks.items():
        for key, value in state_dict.items():
            if not isinstance(key, str) or not is_dense(value):
                raise RefusedError(f"{key!s:.80} of {name} is not a plain tensor")
            allowance.take(num_bytes(value, f"{key:.80} of {name}"))
    for name, state_dict in networks.items():
        for key, value in state_dict.items():
            check_finite(value, f"{key:.80} of {name}")


class Allowance:
    """Bytes that the tensors of a file may claim together, whatever storages they share.

    Twice the file's own, as two networks may share their weights; and a little, which lets small
    files hold narrow numbers that are made wider.
    """

    def __init__(self, file_bytes: int) -> None:
        """Allow what a file of this size may claim."""
        self._file_bytes = file_bytes
        self._left = 2 * file_bytes + (1 << 20)

    def take(self, claimed: int) -> None:
        """Count bytes before they are allocated.

        Raises:
            RefusedError: With them the tensors claim more than a file of this size can hold.
        """
        self._left -= claimed
        if self._left < 0:
            raise RefusedError(f"its tensors claim more than its {self._file_bytes} bytes can hold")


def num_bytes(value: Tensor, what: str) -> int:
    """Bytes that a dense tensor takes in memory of its own.

    Raises:
        RefusedError: It has no elements, which leaves its other sizes unfounded, or more elements
            than stand in its storage; the message calls it ``what``.
    """
    claimed = value.numel() * value.element_size()
    if not claimed:
        raise RefusedError(f"{what} has the shape {list(value.shape)}, which holds no numbers")
    if claimed > value.untyped_storage().nbytes():
        raise RefusedError(f"{what} repeats the numbers of its storage")
    return claimed


def check_finite(value: Tensor, what: str) -> None:
    """Refuse NaN, infinite numbers and those that are infinite in float32; ``meta`` passes.

    Raises:
        RefusedError: There is one; the message calls the tensor ``what``.
    """
    import torch

    if value.is_meta:
        return
    if not torch.isfinite(value.float() if value.dtype == torch.float64 else value).all():
        raise RefusedError(f"{what} holds NaN or infinite numbers")


def is_dense(value: Any) -> bool:
    """Whether ``value`` is an ordinary tensor: strided, real, not quantised."""
    import torch

    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and not value.is_complex()
    )
