"""BiSeNet training: hard-example cross-entropy on three heads, SGD with a polynomial decay."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.ohem import bisenet_loss
from l4f_bench.training.bisenet_config import BiSeNetConfig
from l4f_bench.training.segmentation import SegmentationTrainer


class BiSeNetTrainer(SegmentationTrainer[BiSeNetConfig]):
    """The network and its optimiser."""

    def build(self) -> BiSeNet:
        """A network with random weights."""
        return BiSeNet(len(self.images.classes), width=self.config.width)

    def new_optimiser(self) -> torch.optim.SGD:
        """SGD with momentum."""
        config = self.config
        return torch.optim.SGD(
            self.network.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )

    def loss(self, outputs: Any, target: Tensor) -> Tensor:
        """Sum over the three heads of the cross-entropy of hard pixels."""
        return bisenet_loss(outputs, target)
