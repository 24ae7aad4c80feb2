"""Region proposals: where any object may be."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.annotators.mask_rcnn.boxes import anchors, apply_deltas, clipped, has_area

_PER_LEVEL = 1000  # best anchors of a level before suppression
_PER_IMAGE = 1000  # proposals after it
_OVERLAP = 0.7  # IoU above which the lower of two is suppressed
_NUM_ANCHORS = 3  # at every position
_WEIGHTS = (1.0, 1.0, 1.0, 1.0)


class Proposals(NamedTuple):
    """Boxes of one image that may hold an object, the likeliest first."""

    boxes: Tensor
    """float32 ``[n, 4]`` inside the image, n up to 1000."""
    logits: Tensor
    """float32 ``[n]``, in falling order."""


class RpnHead(nn.Module):
    """Says for every anchor how likely it holds an object, and how to move it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness_logits = nn.Conv2d(channels, _NUM_ANCHORS, 1)
        self.anchor_deltas = nn.Conv2d(channels, 4 * _NUM_ANCHORS, 1)

    def forward(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits ``[N, 3, H, W]`` and deltas ``[N, 12, H, W]`` of a pyramid level."""
        hidden = F.relu_(self.conv(feature))
        return self.objectness_logits(hidden), self.anchor_deltas(hidden)


class ProposalGenerator(nn.Module):
    """The best anchors of all pyramid levels, moved, clipped and thinned out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rpn_head = RpnHead(channels)

    def forward(self, levels: list[Tensor], size: tuple[int, int]) -> Proposals:
        """Proposals of one image.

        Args:
            levels: p2 to p6, ``[1, C, H / stride, W / stride]``.
            size: Height and width of the image without its padding.
        """
        from torchvision.ops import batched_nms

        found = [self._of_level(feature, number) for number, feature in enumerate(levels)]
        boxes = clipped(torch.cat([boxes for boxes, _ in found]), size)
        logits = torch.cat([logits for _, logits in found])
        counts = torch.tensor([len(logits) for _, logits in found])
        level = torch.repeat_interleave(torch.arange(len(found)), counts).to(boxes.device)
        fit = has_area(boxes)
        boxes, logits, level = boxes[fit], logits[fit], level[fit]
        kept = batched_nms(boxes, logits, level, _OVERLAP)[:_PER_IMAGE]
        return Proposals(boxes[kept], logits[kept])

    def _of_level(self, feature: Tensor, number: int) -> tuple[Tensor, Tensor]:
        """Boxes ``[n, 4]`` and logits ``[n]`` of a level's best anchors."""
        logits, deltas = self.rpn_head(feature)
        height, width = feature.shape[-2:]
        logits = logits[0].permute(1, 2, 0).flatten()  # [H * W * 3], as the anchors
        deltas = deltas[0].view(_NUM_ANCHORS, 4, height, width).permute(2, 3, 0, 1).reshape(-1, 4)
        best, index = logits.topk(min(_PER_LEVEL, len(logits)))
        chosen = anchors(height, width, number, feature.device)[index]
        return apply_deltas(deltas[index], chosen, _WEIGHTS), best
