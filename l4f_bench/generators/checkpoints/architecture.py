"""Sizes of a network, read off the shapes of its tensors, as JSON data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from l4f_bench.generators.architecture import (
    AlphaArchitecture,
    DiscriminatorArchitecture,
    GeneratorArchitecture,
)
from l4f_bench.generators.checkpoints.checkpoint import kind_of


def architecture_of(
    state_dict: Mapping[str, Tensor], conv_clamp: float | None = None
) -> dict[str, Any]:
    """Settings that build a generator, discriminator or alpha network.

    Raises:
        InputError: A tensor that tells a size is missing or has another number of dimensions.
    """
    kind = kind_of(state_dict)
    if kind == "generator":
        return dataclasses.asdict(GeneratorArchitecture.of(state_dict)) | {"conv_clamp": conv_clamp}
    if kind == "discriminator":
        sizes = dataclasses.asdict(DiscriminatorArchitecture.of(state_dict))
        return sizes | {"conv_clamp": conv_clamp}
    return dataclasses.asdict(AlphaArchitecture.of(state_dict))
