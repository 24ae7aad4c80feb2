"""Mask R-CNN of detectron2's model zoo, without detectron2."""

from l4f_bench.annotators.mask_rcnn.architecture import Architecture, Stage
from l4f_bench.annotators.mask_rcnn.files import load_mask_rcnn
from l4f_bench.annotators.mask_rcnn.network import MaskRCNN

__all__ = ["Architecture", "MaskRCNN", "Stage", "load_mask_rcnn"]
