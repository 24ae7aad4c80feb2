"""Sizes of a Mask R-CNN, read off its tensors."""

from __future__ import annotations

import re
from dataclasses import dataclass

from l4f_bench.errors import InputError
from l4f_bench.tensors import StateDict, shape_of

_BOTTOM_UP = "backbone.bottom_up"
_HEADS = "roi_heads"
_SIGNATURE = (f"{_BOTTOM_UP}.stem.conv1.weight", f"{_HEADS}.mask_head.predictor.weight")
_MAX_LAYERS = 200  # of one kind in a row; ResNet-152 has 36 blocks in a stage


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage of the ResNet."""

    blocks: int
    """Bottlenecks."""
    hidden: int
    """Channels inside them."""
    outputs: int
    """Channels between them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """Every size of the network; the defaults are the published R101-FPN."""

    stem: int = 64
    """Channels of the first convolution."""
    stages: tuple[Stage, ...] = (
        Stage(blocks=3, hidden=64, outputs=256),
        Stage(blocks=4, hidden=128, outputs=512),
        Stage(blocks=23, hidden=256, outputs=1024),
        Stage(blocks=3, hidden=512, outputs=2048),
    )
    """The four stages of the ResNet."""
    pyramid: int = 256
    """Channels of every pyramid level."""
    box_layers: tuple[int, ...] = (1024, 1024)
    """Outputs of the box head's fully connected layers."""
    mask_layers: tuple[int, ...] = (256, 256, 256, 256)
    """Outputs of the mask head's 3x3 convolutions."""
    mask_hidden: int = 256
    """Channels of the upsampled mask features."""
    num_classes: int = 80
    """Classes without the background."""

    @classmethod
    def of(cls, state_dict: StateDict) -> Architecture:
        """The sizes that the tensors tell; which ones are missing is left to the loading.

        Raises:
            InputError: This is another network, or a tensor that tells a size is missing or has
                another number of axes.
        """
        if not set(_SIGNATURE) <= state_dict.keys():
            found = ", ".join(list(state_dict)[:5])
            raise InputError(
                f"This is not a Mask R-CNN of detectron2, which has {' and '.join(_SIGNATURE)}; "
                f"the keys here: {found} …"
            )
        return cls(
            stem=shape_of(state_dict, _SIGNATURE[0], 4)[0],
            stages=tuple(_stage(state_dict, name) for name in ("res2", "res3", "res4", "res5")),
            pyramid=shape_of(state_dict, "backbone.fpn_lateral2.weight", 4)[0],
            box_layers=_outputs(state_dict, f"{_HEADS}.box_head.fc", 2),
            mask_layers=_outputs(state_dict, f"{_HEADS}.mask_head.mask_fcn", 4),
            mask_hidden=shape_of(state_dict, f"{_HEADS}.mask_head.deconv.weight", 4)[1],
            num_classes=shape_of(state_dict, _SIGNATURE[1], 4)[0],
        )


def _stage(state_dict: StateDict, name: str) -> Stage:
    first = f"{_BOTTOM_UP}.{name}.0"
    return Stage(
        blocks=_count(state_dict, rf"{re.escape(_BOTTOM_UP)}\.{name}\.(\d+)\.conv1\.weight"),
        hidden=shape_of(state_dict, f"{first}.conv1.weight", 4)[0],
        outputs=shape_of(state_dict, f"{first}.conv3.weight", 4)[0],
    )


def _outputs(state_dict: StateDict, prefix: str, ndim: int) -> tuple[int, ...]:
    """Outputs of layers numbered from 1."""
    count = _count(state_dict, rf"{re.escape(prefix)}(\d+)\.weight")
    return tuple(
        shape_of(state_dict, f"{prefix}{number}.weight", ndim)[0] for number in range(1, count + 1)
    )


def _count(state_dict: StateDict, pattern: str) -> int:
    count = sum(re.fullmatch(pattern, key) is not None for key in state_dict)
    if not 1 <= count <= _MAX_LAYERS:
        raise InputError(f"This Mask R-CNN has {count} tensors {pattern}: it is damaged.")
    return count
