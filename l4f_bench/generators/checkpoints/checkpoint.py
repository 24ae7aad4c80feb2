"""What every reader returns, and the rules that make a dict of tensors a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from l4f_bench.generators.checkpoints.errors import RefusedError

StateDict = dict[str, Tensor]

_SIGNATURES = {  # a key that only this kind of network has
    "generator": "input.input",
    "discriminator": "final_linear.0.weight",
    "alpha": "conv_n.weight",
    "nvidia-generator": "synthesis.b4.const",
    "nvidia-discriminator": "b4.out.weight",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """The networks of one file, in the layout of the rosinality code."""

    format: str
    """What the file is, such as ``rosinality`` or ``stylegan2-ada-pickle``."""
    networks: Mapping[str, StateDict]
    """``g``, ``d``, ``g_ema`` (the averaged generator), ``alpha`` and ``alpha_train``."""
    latent_averages: Mapping[str, Tensor] = field(default_factory=dict)
    """Mean w, float32 [w_dim], by the name of the generator that it belongs to."""
    conv_clamps: Mapping[str, float] = field(default_factory=dict)
    """Largest magnitude after each convolution, for the networks that have such a limit."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Settings found in the file, such as the training arguments; JSON data."""
    source_name: str = ""
    """Name of the file, or of the one that it was converted from."""
    source_sha256: str = ""
    """Hexadecimal digest of that file; empty if only its outline was read."""

    @property
    def latent_average(self) -> Tensor | None:
        """Mean w of the averaged generator, or of the only one."""
        for name in ("g_ema", "g"):
            if name in self.latent_averages:
                return self.latent_averages[name]
        return None


def kind_of(state_dict: Mapping[str, Any]) -> str | None:
    """``generator``, ``discriminator`` or ``alpha``, with ``nvidia-`` in front if in that layout.

    None for the keys of any other network.
    """
    for kind, key in _SIGNATURES.items():
        if key in state_dict:
            return kind
    return None


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
