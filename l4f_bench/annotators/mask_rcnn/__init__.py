"""Mask R-CNN of detectron2's model zoo, without detectron2: the network, and each of its stages."""

from l4f_bench.annotators.images import resized
from l4f_bench.annotators.mask_rcnn.architecture import Architecture, Stage
from l4f_bench.annotators.mask_rcnn.boxes import anchors, apply_deltas
from l4f_bench.annotators.mask_rcnn.files import load_mask_rcnn
from l4f_bench.annotators.mask_rcnn.heads import BOX_SIDE, BOX_WEIGHTS, MASK_SIDE, pool
from l4f_bench.annotators.mask_rcnn.network import MaskRCNN, Objects
from l4f_bench.annotators.mask_rcnn.preprocessing import (
    input_size,
    normalised,
    paste_all,
    scaled_boxes,
)
from l4f_bench.annotators.mask_rcnn.proposals import Proposals

__all__ = [
    "BOX_SIDE",
    "BOX_WEIGHTS",
    "MASK_SIDE",
    "Architecture",
    "MaskRCNN",
    "Objects",
    "Proposals",
    "Stage",
    "anchors",
    "apply_deltas",
    "input_size",
    "load_mask_rcnn",
    "normalised",
    "paste_all",
    "pool",
    "resized",
    "scaled_boxes",
]
