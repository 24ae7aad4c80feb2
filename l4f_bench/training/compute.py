"""Where and how exactly training computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch

from l4f_bench.devices import allow_tf32
from l4f_bench.generators.stylegan2 import Generator


@dataclass(frozen=True, kw_only=True, slots=True)
class Compute:
    """Device and number format; by default what published numbers are made with."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    bf16: bool = False
    """Convolutions and matrix products in bfloat16; weights and losses stay float32."""
    tf32: bool = False
    """Products of float32 rounded to 10 bits on GPUs that can (:func:`allow_tf32`)."""
    compiled: bool = False
    """The generator's layers by ``torch.compile``; discriminators are not, since their gradient
    penalty needs second derivatives, which compiled code lacks."""

    def autocast(self) -> torch.autocast:
        """The context that steps run in."""
        allow_tf32(self.tf32)  # whatever was loaded since may have forbidden it
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def prepare(self, generator: Generator) -> Generator:
        """Compile the generator's layers in place if asked for; its keys stay the same."""
        if self.compiled:
            for layer in (generator.conv1, generator.to_rgb1, *generator.convs, *generator.to_rgbs):
                layer.compile()
        return generator

    def identity(self) -> dict[str, Any]:
        """What changes the weights that training ends with."""
        return {
            "device": self.device.type,
            "bf16": self.bf16,
            "tf32": self.tf32,
            "compiled": self.compiled,
        }


PLAIN = Compute()
"""float32 on the CPU."""
