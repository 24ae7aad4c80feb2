"""Our Mask R-CNN on images of any size."""

from __future__ import annotations

import torch
from torch import Tensor

from l4f_bench.annotators.images import resized
from l4f_bench.annotators.mask_rcnn.network import MaskRCNN
from l4f_bench.annotators.mask_rcnn.preprocessing import (
    input_size,
    normalised,
    paste_all,
    scaled_boxes,
)
from l4f_bench.annotators.rejection import Instances


class NetworkDetector:
    """Our network, with the published test-time resizing."""

    def __init__(self, network: MaskRCNN) -> None:
        """Use ``network``, which is ready for inference, on its own device."""
        self.num_classes = network.architecture.num_classes
        self._network = network

    @torch.no_grad()
    def instances(self, image: Tensor, min_score: float) -> Instances:
        """Objects that score more than ``min_score``; arguments as in ``Detector``."""
        shape = (image.shape[-2], image.shape[-1])
        size = input_size(*shape)
        device = next(self._network.parameters()).device
        levels = self._network.features(normalised(resized(image[None], size).to(device)))
        objects = self._network.detect(levels, size, min_score)
        boxes = scaled_boxes(objects.boxes, size, shape)

        @torch.no_grad()
        def union(index: Tensor) -> Tensor:
            masks = self._network.masks(levels, objects.boxes[index], objects.classes[index])
            return paste_all(masks, boxes[index], shape).to(image.device)

        return Instances(labels=objects.classes, scores=objects.scores, union=union)
