"""detectron2 itself, where it is installed: the same weights through its own predictor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l4f_bench.annotators.mask_rcnn.architecture import Architecture
from l4f_bench.annotators.mask_rcnn.files import read_state_dict
from l4f_bench.annotators.mask_rcnn.network import CONSTANTS, without_constants
from l4f_bench.annotators.mask_rcnn.preprocessing import LONGEST_SIDE, SHORTEST_SIDE
from l4f_bench.annotators.rejection import Instances, whole_masks
from l4f_bench.errors import InputError
from l4f_bench.files.errors import refusals_named
from l4f_bench.tensors import load_tensors

_STAGES = ["res2", "res3", "res4", "res5"]
_LEVELS = ["p2", "p3", "p4", "p5"]
_DEPTHS = {(3, 4, 6, 3): 50, (3, 4, 23, 3): 101, (3, 8, 36, 3): 152}


class Detectron2Detector:
    """``DefaultPredictor``, configured here rather than by ``detectron2.model_zoo``.

    The weights are read by us and then given to it, since its own reader would run any code that
    a pickle holds.
    """

    def __init__(self, weights: Path, device: torch.device) -> None:
        """Load the weights, on ``device``.

        Args:
            weights: As for our network, of a ResNet-50, 101 or 152.
            device: Where to compute.

        Raises:
            CheckpointError: The file cannot be read, holds another network or other keys, or one
                that detectron2 cannot build.
        """
        from detectron2.engine import DefaultPredictor

        with refusals_named(weights):
            state_dict = without_constants(read_state_dict(weights))
            architecture = Architecture.of(state_dict)
            self._predictor = DefaultPredictor(_config(architecture, device))
            load_tensors(self._predictor.model, state_dict, optional=CONSTANTS)
        self.num_classes = architecture.num_classes

    @torch.no_grad()
    def instances(self, image: Tensor, min_score: float) -> Instances:
        """Objects that score more than ``min_score``; arguments as in ``Detector``."""
        self._predictor.model.roi_heads.box_predictor.test_score_thresh = min_score
        bgr = np.ascontiguousarray(image.flip(0).permute(1, 2, 0).cpu().numpy())
        found = self._predictor(bgr)["instances"].to(image.device)
        return whole_masks(found.pred_classes, found.scores, found.pred_masks)


def _config(architecture: Architecture, device: torch.device) -> Any:
    """What ``COCO-InstanceSegmentation/mask_rcnn_R_101_FPN_3x`` sets, for these sizes."""
    from detectron2.config import get_cfg

    config = get_cfg()
    config.INPUT.FORMAT = "BGR"
    config.INPUT.MIN_SIZE_TEST, config.INPUT.MAX_SIZE_TEST = SHORTEST_SIDE, LONGEST_SIDE
    model = config.MODEL
    model.WEIGHTS = ""  # read by us
    model.DEVICE = str(device)
    model.META_ARCHITECTURE = "GeneralizedRCNN"
    model.MASK_ON = True
    model.BACKBONE.NAME = "build_resnet_fpn_backbone"
    model.FPN.IN_FEATURES = _STAGES
    model.FPN.OUT_CHANNELS = architecture.pyramid
    _configure_resnet(model.RESNETS, architecture)
    model.ANCHOR_GENERATOR.SIZES = [[32], [64], [128], [256], [512]]
    model.ANCHOR_GENERATOR.ASPECT_RATIOS = [[0.5, 1.0, 2.0]]
    model.RPN.IN_FEATURES = [*_LEVELS, "p6"]
    model.RPN.PRE_NMS_TOPK_TEST = model.RPN.POST_NMS_TOPK_TEST = 1000
    _configure_heads(model, architecture)
    return config


def _configure_resnet(resnets: Any, architecture: Architecture) -> None:
    blocks = tuple(stage.blocks for stage in architecture.stages)
    if blocks not in _DEPTHS:
        raise InputError(f"detectron2 has no ResNet of {blocks} blocks; use mask-rcnn instead.")
    resnets.DEPTH = _DEPTHS[blocks]
    resnets.OUT_FEATURES = _STAGES
    resnets.STEM_OUT_CHANNELS = architecture.stem
    resnets.WIDTH_PER_GROUP = architecture.stages[0].hidden
    resnets.RES2_OUT_CHANNELS = architecture.stages[0].outputs


def _configure_heads(model: Any, architecture: Architecture) -> None:
    model.ROI_HEADS.NAME = "StandardROIHeads"
    model.ROI_HEADS.IN_FEATURES = _LEVELS
    model.ROI_HEADS.NUM_CLASSES = architecture.num_classes
    model.ROI_HEADS.NMS_THRESH_TEST = 0.5
    box, mask = model.ROI_BOX_HEAD, model.ROI_MASK_HEAD
    box.NAME, box.POOLER_RESOLUTION = "FastRCNNConvFCHead", 7
    box.NUM_FC, box.FC_DIM = len(architecture.box_layers), architecture.box_layers[0]
    mask.NAME, mask.POOLER_RESOLUTION = "MaskRCNNConvUpsampleHead", 14
    mask.NUM_CONV, mask.CONV_DIM = len(architecture.mask_layers), architecture.mask_layers[0]
