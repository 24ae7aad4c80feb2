"""What every reader of networks returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from l4f_bench.files.state_dicts import StateDict

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
