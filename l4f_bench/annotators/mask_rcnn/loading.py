"""Mask R-CNN as an annotator: on our own network, on detectron2, or torchvision's model."""

from __future__ import annotations

from pathlib import Path

import torch

from l4f_bench.annotators.mask_rcnn.annotator import MaskRcnnAnnotator
from l4f_bench.annotators.rejection import RejectionRule


def load_own(
    weights: Path, device: torch.device, rule: RejectionRule, foreground: tuple[str, ...]
) -> MaskRcnnAnnotator:
    """detectron2's weights on our own network; arguments as in :class:`AnnotatorSpec`."""
    from l4f_bench.annotators.mask_rcnn.files import load_mask_rcnn
    from l4f_bench.annotators.mask_rcnn.network_detector import NetworkDetector

    return MaskRcnnAnnotator(NetworkDetector(load_mask_rcnn(weights).to(device)), rule)


def load_detectron2(
    weights: Path, device: torch.device, rule: RejectionRule, foreground: tuple[str, ...]
) -> MaskRcnnAnnotator:
    """The same weights run by detectron2's own code."""
    from l4f_bench.annotators.mask_rcnn.detectron2_detector import Detectron2Detector

    return MaskRcnnAnnotator(Detectron2Detector(weights, device), rule)


def load_torchvision(
    weights: Path, device: torch.device, rule: RejectionRule, foreground: tuple[str, ...]
) -> MaskRcnnAnnotator:
    """Another model, with torchvision's weights."""
    from l4f_bench.annotators.mask_rcnn.torchvision_detector import TorchvisionDetector

    return MaskRcnnAnnotator(TorchvisionDetector(weights, device), rule)
