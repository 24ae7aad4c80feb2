"""A Mask R-CNN of a few kilobytes that finds what is bright, in detectron2's file format.

Its weights are set by hand: channel 0 carries how much brighter than the mean a place is, channel 1
how much darker, and nothing else is computed on the way. Every region becomes the whole image, so
that there is one object or none: the larger the mean of channel 0, the surer. Its mask is where
channel 0 wins.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from l4f_bench.annotators.coco import COCO_CLASSES
from l4f_bench.annotators.mask_rcnn import Architecture, MaskRCNN, Stage

TOY = Architecture(
    stem=2,
    stages=(Stage(blocks=1, hidden=1, outputs=2),) * 3 + (Stage(blocks=2, hidden=1, outputs=2),),
    pyramid=2,
    box_layers=(2, 2),
    mask_layers=(2,),
    mask_hidden=2,
    num_classes=len(COCO_CLASSES),
)
GROWTH = 4.2  # logarithm of a factor that no anchor needs to cover the image


def toy_weights(target: str = "cat", architecture: Architecture = TOY) -> dict[str, Tensor]:
    """Weights under the model zoo's keys, for a network that calls bright things ``target``.

    In a wider or deeper architecture, all that is not needed is zero.
    """
    shapes = MaskRCNN(architecture).state_dict()
    state = {key: torch.zeros_like(value) for key, value in shapes.items()}
    for key, value in state.items():
        if key.endswith(("norm.weight", "running_var")):
            value.fill_(1)
        elif value.ndim == 4 and ("shortcut" in key or "fpn_lateral" in key):
            _identity(value, 0)
        elif value.ndim == 4 and ("fpn_output" in key or "mask_fcn" in key):
            _identity(value, 1)
    stem = state["backbone.bottom_up.stem.conv1.weight"]
    stem[0, :, 3, 3], stem[1, :, 3, 3] = 1 / 192, -1 / 192
    state["proposal_generator.rpn_head.anchor_deltas.bias"].view(3, 4)[:, 2:] = GROWTH
    _set_heads(state, COCO_CLASSES.index(target))
    return state


def write_toy_pickle(path: Path, target: str = "cat", architecture: Architecture = TOY) -> Path:
    """The same as a file of the model zoo."""
    return write_pickle(path, toy_weights(target, architecture))


def write_pickle(path: Path, state: dict[str, Tensor], *, protocol: int = 4) -> Path:
    model = {key: value.numpy() for key, value in state.items()}
    content = {"model": model, "__author__": "toy", "matching_heuristics": True}
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


def _identity(weight: Tensor, centre: int) -> None:
    for channel in range(2):
        weight[channel, channel, centre, centre] = 1


def _set_heads(state: dict[str, Tensor], target: int) -> None:
    box, mask = "roi_heads.box_predictor", "roi_heads.mask_head"
    mean = state["roi_heads.box_head.fc1.weight"].unflatten(1, (-1, 49))
    mean[0, 0] = mean[1, 1] = 1 / 49
    state["roi_heads.box_head.fc2.weight"].fill_diagonal_(1)
    state[f"{box}.cls_score.bias"][:-1] = -20
    state[f"{box}.cls_score.bias"][target] = -4
    state[f"{box}.cls_score.weight"][target, 0] = 40
    state[f"{box}.bbox_pred.bias"].view(-1, 4)[:, 2:] = 5 * GROWTH  # divided by 5 when applied
    state[f"{mask}.deconv.weight"][0, 0], state[f"{mask}.deconv.weight"][1, 1] = 1, 1
    state[f"{mask}.predictor.weight"][target, :2, 0, 0] = torch.tensor([10.0, -10.0])
