"""torchvision's Mask R-CNN R50-FPN v2: another model, to see how far scores depend on the first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.annotators.coco import COCO_CLASSES
from l4f_bench.annotators.images import resized
from l4f_bench.annotators.mask_rcnn.files import read_state_dict
from l4f_bench.annotators.mask_rcnn.preprocessing import input_size, paste_all, scaled_boxes
from l4f_bench.annotators.rejection import Instances
from l4f_bench.errors import InputError
from l4f_bench.files.errors import refusals_named
from l4f_bench.tensors import load_tensors

# COCO numbers 80 classes from 1 to 90, and torchvision follows it; these numbers mean nothing.
_GAPS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
_SIGNATURE = "backbone.body.conv1.weight"


class TorchvisionDetector:
    """``maskrcnn_resnet50_fpn_v2`` with masks pasted as for our network, only where wanted."""

    num_classes = len(COCO_CLASSES)

    def __init__(self, weights: Path, device: torch.device) -> None:
        """Load the weights, on ``device`` in eval mode.

        Args:
            weights: ``maskrcnn_resnet50_fpn_v2_coco-*.pth``, or the same in safetensors.
            device: Where to compute.

        Raises:
            CheckpointError: The file cannot be read, or holds another network or other keys.
        """
        from torchvision.models.detection import maskrcnn_resnet50_fpn_v2

        with refusals_named(weights):
            state_dict = read_state_dict(weights)
            if _SIGNATURE not in state_dict:
                found = ", ".join(list(state_dict)[:5])
                raise InputError(
                    f"This is not a Mask R-CNN of torchvision, which has {_SIGNATURE}; the keys "
                    f"here: {found} …"
                )
            network = maskrcnn_resnet50_fpn_v2(weights=None, weights_backbone=None)
            load_tensors(network, state_dict)
        self._network = network.to(device).eval().requires_grad_(False)
        self._class_of = _class_of_category().to(device)
        self._device = device

    @torch.no_grad()
    def instances(self, image: Tensor, min_score: float) -> Instances:
        """Objects that score more than ``min_score``; arguments as in ``Detector``."""
        shape = (image.shape[-2], image.shape[-1])
        # Resized as bytes beforehand, so that the network's own resizing has nothing to do.
        pixels = resized(image[None], input_size(*shape))[0].to(self._device).float() / 255
        found, size = self._found(pixels, min_score)
        boxes = scaled_boxes(found["boxes"], size, shape)
        masks = found["masks"][:, 0]

        def union(index: Tensor) -> Tensor:
            return paste_all(masks[index], boxes[index], shape).to(image.device)

        labels = self._class_of[found["labels"]]
        return Instances(labels=labels, scores=found["scores"], union=union)

    def _found(self, pixels: Tensor, min_score: float) -> tuple[dict[str, Any], tuple[int, int]]:
        """The network's output before it pastes every mask, and the size it belongs to."""
        self._network.roi_heads.score_thresh = min_score
        images, _ = self._network.transform([pixels])
        features = self._network.backbone(images.tensors)
        proposals, _ = self._network.rpn(images, features)
        found, _ = self._network.roi_heads(features, proposals, images.image_sizes)
        return found[0], images.image_sizes[0]


def _class_of_category() -> Tensor:
    """Class by COCO's category number, int64 ``[91]``; -1 for the numbers that mean nothing."""
    categories = [number for number in range(1, 91) if number not in _GAPS]
    classes = torch.full((91,), -1)
    classes[categories] = torch.arange(len(categories))
    return classes
