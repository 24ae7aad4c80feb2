"""Sizes of a network, read off the shapes of its tensors, as JSON data."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.generators.architecture import DiscriminatorArchitecture, GeneratorArchitecture
from l4f_bench.generators.checkpoints.checkpoint import kind_of


def architecture_of(
    state_dict: Mapping[str, Tensor], conv_clamp: float | None = None
) -> dict[str, Any]:
    """Settings that build a generator, discriminator or alpha network.

    Raises:
        InputError: A tensor that tells a size is missing or has another number of dimensions.
        RefusedError: The same, in an alpha network.
    """
    kind = kind_of(state_dict)
    if kind == "generator":
        return dataclasses.asdict(GeneratorArchitecture.of(state_dict)) | {"conv_clamp": conv_clamp}
    if kind == "discriminator":
        sizes = dataclasses.asdict(DiscriminatorArchitecture.of(state_dict))
        return sizes | {"conv_clamp": conv_clamp}
    return _alpha(state_dict)


def _alpha(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    repro = "conv1.weight" in state_dict
    names = re.compile(r"conv\d+\.weight" if repro else r"conv_fns\d+\.\d+\.weight")
    widths = [_shape(state_dict, key, 4)[1] for key in state_dict if names.fullmatch(key)]
    return {
        "layout": "bg_extractor_repro" if repro else "bg_extractor",
        "features": len(widths),
        "widths": widths,
    }


def _shape(state_dict: Mapping[str, Tensor], key: str, dimensions: int) -> tuple[int, ...]:
    if key not in state_dict:
        raise RefusedError(f"the tensor {key} is missing")
    shape = tuple(state_dict[key].shape)
    if len(shape) != dimensions:
        raise RefusedError(f"{key} has shape {shape}, where {dimensions} dimensions are expected")
    return shape
