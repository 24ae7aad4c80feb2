"""Sizes of a network, read off the shapes of its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from l4f_bench.generators.checkpoints.checkpoint import kind_of
from l4f_bench.generators.checkpoints.errors import RefusedError


def architecture_of(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    """Constructor-like settings of a generator, discriminator or alpha network; JSON data.

    Raises:
        RefusedError: A tensor that tells a size is missing or has another number of dimensions.
    """
    kind = kind_of(state_dict)
    if kind == "generator":
        return _generator(state_dict)
    if kind == "discriminator":
        return _discriminator(state_dict)
    return _alpha(state_dict)


def _generator(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    blocks = _count(state_dict, r"to_rgbs\.(\d+)\.bias")
    layers = _count(state_dict, r"style\.(\d+)\.weight")
    convs = ["conv1", *(f"convs.{2 * block + 1}" for block in range(blocks))]
    channels = [_shape(state_dict, f"{name}.conv.weight", 5)[1] for name in convs]
    return {
        "size": 4 << blocks,
        "latent_dim": _shape(state_dict, "style.1.weight", 2)[1],
        "w_dim": _shape(state_dict, "conv1.conv.modulation.weight", 2)[1],
        "mapping_layers": layers,
        "channels": {str(4 << index): width for index, width in enumerate(channels)},
    }


def _discriminator(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    blocks = _count(state_dict, r"convs\.(\d+)\.conv1\.0\.weight")
    size = 4 << blocks
    channels = {str(size): _shape(state_dict, "convs.0.0.weight", 4)[0]}
    for block in range(1, blocks + 1):
        width = _shape(state_dict, f"convs.{block}.conv2.1.weight", 4)[0]
        channels[str(size >> block)] = width
    return {"size": size, "channels": channels}


def _alpha(state_dict: Mapping[str, Tensor]) -> dict[str, Any]:
    repro = "conv1.weight" in state_dict
    names = re.compile(r"conv\d+\.weight" if repro else r"conv_fns\d+\.\d+\.weight")
    widths = [_shape(state_dict, key, 4)[1] for key in state_dict if names.fullmatch(key)]
    return {"layout": "repro" if repro else "published", "features": len(widths), "widths": widths}


def _count(state_dict: Mapping[str, Tensor], pattern: str) -> int:
    return sum(re.fullmatch(pattern, key) is not None for key in state_dict)


def _shape(state_dict: Mapping[str, Tensor], key: str, dimensions: int) -> tuple[int, ...]:
    if key not in state_dict:
        raise RefusedError(f"the tensor {key} is missing")
    shape = tuple(state_dict[key].shape)
    if len(shape) != dimensions:
        raise RefusedError(f"{key} has shape {shape}, where {dimensions} dimensions are expected")
    return shape
