"""What a region holds: its class, its exact box, and the mask of the object in it."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.annotators.mask_rcnn.architecture import Architecture
from l4f_bench.annotators.mask_rcnn.boxes import (
    STRIDES,
    apply_deltas,
    clipped,
    has_area,
    levels_of,
)

BOX_SIDE = 7  # what a box is resampled to for its class
MASK_SIDE = 14  # and for its mask, which is twice as fine
BOX_WEIGHTS = (10.0, 10.0, 5.0, 5.0)
_OVERLAP = 0.5  # IoU above which the lower of two boxes of one class is suppressed
_PER_IMAGE = 100


class BoxHead(nn.Module):
    """A vector for every region."""

    def __init__(self, channels: int, layers: tuple[int, ...]) -> None:
        super().__init__()
        widths = (channels * BOX_SIDE**2, *layers)
        for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            self.add_module(f"fc{number}", nn.Linear(inputs, outputs))

    def forward(self, pooled: Tensor) -> Tensor:
        """Return ``[n, layers[-1]]`` of ``[n, C, 7, 7]``."""
        x = pooled.flatten(1)
        for layer in self.children():
            x = F.relu_(layer(x))
        return x


class BoxPredictor(nn.Module):
    """Class scores, and one box for every class."""

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        self.cls_score = nn.Linear(inputs, num_classes + 1)
        self.bbox_pred = nn.Linear(inputs, 4 * num_classes)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits ``[n, classes + 1]``, background last, and deltas ``[n, classes * 4]``."""
        return self.cls_score(x), self.bbox_pred(x)


class MaskHead(nn.Module):
    """A mask of every class for every region."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        widths = (architecture.pyramid, *architecture.mask_layers)
        for number, (inputs, outputs) in enumerate(pairwise(widths), start=1):
            self.add_module(f"mask_fcn{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
        self.deconv = nn.ConvTranspose2d(widths[-1], architecture.mask_hidden, 2, stride=2)
        self.predictor = nn.Conv2d(architecture.mask_hidden, architecture.num_classes, 1)
        self._num_convs = len(architecture.mask_layers)

    def forward(self, pooled: Tensor) -> Tensor:
        """Return logits ``[n, classes, 28, 28]`` of ``[n, C, 14, 14]``."""
        logits: Tensor = self.predictor(self._hidden(pooled))
        return logits

    def of_classes(self, pooled: Tensor, classes: Tensor) -> Tensor:
        """Probabilities ``[n, 28, 28]`` of one class for each region, computed for it alone."""
        weight, bias = self.predictor.weight[classes], self.predictor.bias
        assert bias is not None, "the layer is built with a bias"
        logits = torch.einsum("nchw,nc->nhw", self._hidden(pooled), weight[:, :, 0, 0])
        return (logits + bias[classes][:, None, None]).sigmoid()

    def _hidden(self, x: Tensor) -> Tensor:
        for number in range(1, self._num_convs + 1):
            x = F.relu_(self.get_submodule(f"mask_fcn{number}")(x))
        return F.relu_(self.deconv(x))


class RoiHeads(nn.Module):
    """Everything that is asked of single regions."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.box_head = BoxHead(architecture.pyramid, architecture.box_layers)
        self.box_predictor = BoxPredictor(architecture.box_layers[-1], architecture.num_classes)
        self.mask_head = MaskHead(architecture)

    def detect(
        self, levels: list[Tensor], boxes: Tensor, size: tuple[int, int], min_score: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Objects of one image, the surest first.

        Args:
            levels: p2 to p5, ``[1, C, H / stride, W / stride]``.
            boxes: Proposals ``[n, 4]``.
            size: Height and width of the image without its padding.
            min_score: Objects score more than this.

        Returns:
            Boxes ``[m, 4]`` inside the image, scores ``[m]`` and classes int64 ``[m]``, m up to
            100 over all classes.
        """
        logits, deltas = self.box_predictor(self.box_head(pool(levels, boxes, BOX_SIDE)))
        scores = logits.softmax(-1)[:, :-1]
        region, classes = (scores > min_score).nonzero(as_tuple=True)
        # Only what scores enough is decoded: a few boxes of the 80 for each region.
        chosen = deltas.view(*scores.shape, 4)[region, classes]
        return best_objects(
            clipped(apply_deltas(chosen, boxes[region], BOX_WEIGHTS), size),
            scores[region, classes],
            classes,
        )


def best_objects(boxes: Tensor, scores: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """At most 100 boxes, without those that a surer one of the same class overlaps."""
    from torchvision.ops import batched_nms

    kept = batched_nms(boxes, scores, classes, _OVERLAP)[:_PER_IMAGE]
    kept = kept[has_area(boxes[kept])]
    return boxes[kept], scores[kept], classes[kept]


def pool(levels: list[Tensor], boxes: Tensor, side: int) -> Tensor:
    """Features of boxes resampled to ``[n, C, side, side]``, each from the level of its size.

    Args:
        levels: p2 to p5, ``[1, C, H / stride, W / stride]``.
        boxes: ``[n, 4]``.
        side: Samples in each direction.
    """
    from torchvision.ops import roi_align

    pooled = boxes.new_zeros(len(boxes), levels[0].shape[1], side, side)
    level_of_box = levels_of(boxes)
    for number, level in enumerate(levels[:4]):
        here = (level_of_box == number).nonzero()[:, 0]
        if len(here):
            pooled[here] = roi_align(
                level,
                [boxes[here]],
                side,
                spatial_scale=1 / STRIDES[number],
                sampling_ratio=0,  # as many samples as the box has pixels
                aligned=True,
            )
    return pooled
