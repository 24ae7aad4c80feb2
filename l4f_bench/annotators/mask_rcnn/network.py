"""Mask R-CNN with a feature pyramid, for inference, at any width and depth.

The graph, constants and key names of detectron2's ``mask_rcnn_R_101_FPN_3x``, on the operators of
``torchvision.ops``, so that its published weights run where detectron2 is not installed.
Source: Mask R-CNN (ICCV 2017); the configuration named above.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from l4f_bench.annotators.mask_rcnn.architecture import Architecture
from l4f_bench.annotators.mask_rcnn.backbone import Backbone, NormedConv
from l4f_bench.annotators.mask_rcnn.heads import MASK_SIDE, RoiHeads, pool
from l4f_bench.annotators.mask_rcnn.proposals import ProposalGenerator
from l4f_bench.tensors import StateDict, load_tensors

CONSTANTS = ("pixel_mean", "pixel_std", "proposal_generator.anchor_generator.cell_anchors.")
"""Beginnings of keys that older files also hold: constants of the configuration, not weights."""


class Objects(NamedTuple):
    """What was found in one image, the surest first, n up to 100 over all classes."""

    boxes: Tensor
    """float32 ``[n, 4]``: left, top, right, bottom in pixels of the network's input."""
    scores: Tensor
    """float32 ``[n]``, in falling order."""
    classes: Tensor
    """int64 ``[n]``."""


class MaskRCNN(nn.Module):
    """Objects of one image at a time, and their masks."""

    def __init__(self, architecture: Architecture | None = None) -> None:
        """Build with random weights; by default the published sizes."""
        super().__init__()
        self.architecture = architecture or Architecture()
        self.backbone = Backbone(self.architecture)
        self.proposal_generator = ProposalGenerator(self.architecture.pyramid)
        self.roi_heads = RoiHeads(self.architecture)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> MaskRCNN:
        """Build a network of the tensors' sizes with their values, ready for inference.

        Raises:
            InputError: This is another network, or keys are missing, unexpected or misshapen.
        """
        wanted = {key: value.float() for key, value in without_constants(state_dict).items()}
        with torch.device("meta"):  # sizes that contradict each other cost no memory
            network = cls(Architecture.of(wanted))
        load_tensors(network, wanted, assign=True)
        return network.ready()

    def ready(self) -> MaskRCNN:
        """Fix the network for inference: normalisation folded into the convolutions, no gradients.

        Returns:
            The network itself, whose keys are no longer those of the published file.
        """
        for module in self.modules():
            if isinstance(module, NormedConv):
                module.fold()
        return self.eval().requires_grad_(False).to(memory_format=torch.channels_last)

    def forward(self, x: Tensor, size: tuple[int, int], min_score: float) -> Objects:
        """Objects of one image; arguments as in ``detect``."""
        return self.detect(self.features(x), size, min_score)

    def features(self, x: Tensor) -> list[Tensor]:
        """Pyramid levels p2 to p6, ``[1, C, H / stride, W / stride]`` at strides 4 to 64.

        Args:
            x: Normalised image ``[1, 3, H, W]``, BGR; both sides are multiples of 32.
        """
        levels = self.backbone(x.contiguous(memory_format=torch.channels_last))
        return [level.contiguous() for level in levels]

    def detect(self, levels: list[Tensor], size: tuple[int, int], min_score: float) -> Objects:
        """Objects of the image that ``levels`` are the features of.

        Args:
            levels: As ``features`` returns them.
            size: Height and width of the image without its padding.
            min_score: Objects score more than this, 0 to 1.
        """
        proposals = self.proposal_generator(levels, size)
        return Objects(*self.roi_heads.detect(levels, proposals.boxes, size, min_score))

    def masks(self, levels: list[Tensor], boxes: Tensor, classes: Tensor) -> Tensor:
        """How likely each part of a box belongs to the object, float32 ``[n, 28, 28]`` in 0 to 1.

        Args:
            levels: As ``features`` returns them.
            boxes: ``[n, 4]`` in pixels of the network's input.
            classes: int64 ``[n]``.
        """
        return self.roi_heads.mask_head.of_classes(pool(levels, boxes, MASK_SIDE), classes)


def without_constants(state_dict: StateDict) -> dict[str, Tensor]:
    """The tensors that are weights."""
    return {key: value for key, value in state_dict.items() if not key.startswith(CONSTANTS)}
