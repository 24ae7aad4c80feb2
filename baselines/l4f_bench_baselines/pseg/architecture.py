"""Sizes and variant of a PSeg generator, read off its tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name
from l4f_bench.tensors import StateDict, shape_of

Variant = Literal["two-generators", "one-generator", "shared-style"]
VARIANTS: tuple[str, ...] = get_args(Variant)

PUBLIC_CHANNELS = (512, 512, 512, 512, 256, 128, 64, 32, 16)
"""Channels at 4, 8, …, 1024 pixels in the public checkpoints."""

# Where each variant keeps its first generator and its mapping network.
_GENERATOR = {
    "two-generators": "generator_bg.generator",
    "one-generator": "generator.generator",
    "shared-style": "generator.generators.0",
}
_MAPPING = {
    "two-generators": "generator_bg.style",
    "one-generator": "generator.style",
    "shared-style": "generator.style",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class PSegArchitecture:
    """Everything that fixes a layered generator's tensors."""

    variant: Variant = "two-generators"
    """``two-generators``: one for the background, one for foreground and mask;
    ``one-generator``: one for all; ``shared-style``: two with one mapping network."""
    channels: tuple[int, ...] = PUBLIC_CHANNELS
    """Feature channels at 4, 8, … pixels, one per level."""
    code_dim: int = 512
    """Width of z and w."""
    mapping_layers: int = 8
    """Layers between z and w."""

    def __post_init__(self) -> None:
        if self.variant not in VARIANTS:
            raise InputError(unknown_name("variant", self.variant, list(VARIANTS)))
        if not 1 <= len(self.channels) <= len(PUBLIC_CHANNELS):
            raise InputError(
                f"A PSeg generator has 1 (4 pixels) to {len(PUBLIC_CHANNELS)} levels (1024), not "
                f"{len(self.channels)}."
            )

    @property
    def num_codes(self) -> int:
        """Mapping networks, which is also the sets of noise maps that an image needs."""
        return 2 if self.variant == "two-generators" else 1

    @classmethod
    def of(cls, state_dict: StateDict) -> PSegArchitecture:
        """Read the sizes off a generator's tensors.

        Raises:
            InputError: This is not a PSeg generator, or a tensor that tells a size is wrong.
        """
        variant = _variant_of(state_dict)
        generator, mapping = re.escape(_GENERATOR[variant]), re.escape(_MAPPING[variant])
        levels = _count(state_dict, rf"{generator}\.progression\.\d+\.conv2\.conv\.bias")
        first = f"{_GENERATOR[variant]}.progression"
        return cls(
            variant=variant,
            channels=tuple(
                shape_of(state_dict, f"{first}.{level}.conv2.conv.bias", 1)[0]
                for level in range(levels)
            ),
            code_dim=shape_of(state_dict, f"{_MAPPING[variant]}.1.linear.weight_orig", 2)[1],
            mapping_layers=_count(state_dict, rf"{mapping}\.\d+\.linear\.bias"),
        )


def resolution_of(level: int) -> int:
    """Side in pixels of the images of a level."""
    return 4 << level


def check_level(level: int, num_levels: int) -> None:
    """Raise unless a network has that level.

    Raises:
        InputError: It has not; the message says which it has.
    """
    if not 0 <= level < num_levels:
        raise InputError(
            f"PSeg's level {level} is out of range: this network has 0 (4 pixels) to "
            f"{num_levels - 1} ({resolution_of(num_levels - 1)})."
        )


def _variant_of(state_dict: StateDict) -> Variant:
    for variant in get_args(Variant):
        if f"{_GENERATOR[variant]}.progression.0.conv1.input" in state_dict:
            found: Variant = variant
            return found
    first = ", ".join(str(key)[:60] for key in list(state_dict)[:3])
    raise InputError(
        f"not a PSeg generator of a known variant ({', '.join(VARIANTS)}); its keys: {first} ... "
        "Give a .model file of perturbed-seg, or a pseg.safetensors"
    )


def _count(state_dict: StateDict, pattern: str) -> int:
    return sum(re.fullmatch(pattern, key) is not None for key in state_dict)
