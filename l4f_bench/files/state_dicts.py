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
        RefusedError: Some value is not a dense tensor, small storages are stretched by views, or a
            number is NaN or infinite.
    """
    import torch

    total = 0
    for name, state_dict in networks.items():
        for key, value in state_dict.items():
            if not isinstance(key, str) or not is_dense(value):
                raise RefusedError(f"{key!s:.80} of {name} is not a plain tensor")
            total += value.numel() * value.element_size()
    if total > 2 * file_bytes + (1 << 20):  # twice: two networks may share a storage
        raise RefusedError(f"its tensors claim {total} bytes in a file of {file_bytes}")
    for name, state_dict in networks.items():
        for key, value in state_dict.items():
            if not value.is_meta and not torch.isfinite(value).all():
                raise RefusedError(f"{key!s:.80} of {name} holds NaN or infinite numbers")


def is_dense(value: Any) -> bool:
    """Whether ``value`` is an ordinary tensor: strided, real, not quantised."""
    import torch

    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and not value.is_quantized
        and not value.is_complex()
    )
