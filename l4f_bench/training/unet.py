"""U-Net training: binary cross-entropy and Dice, AdamW, augmented images."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.unet import UNet
from l4f_bench.training.segmentation import SegmentationTrainer
from l4f_bench.training.unet_config import UNetConfig


def dice_loss(probability: Tensor, target: Tensor) -> Tensor:
    """What an image's Dice coefficient lacks of 1, averaged over the images.

    One pixel is added to numerator and denominator, so that empty masks of empty images are right.

    Args:
        probability: Of the foreground, float ``[N, H, W]`` in [0, 1].
        target: 1 for foreground, else 0, float ``[N, H, W]``.

    Returns:
        A float scalar from 0 to 1.

    Source: V-Net (3DV 2016), without squares in the denominator.
    """
    both = (probability * target).sum((1, 2))
    either = (probability + target).sum((1, 2))
    return (1 - (2 * both + 1) / (either + 1)).mean()


def unet_loss(outputs: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy plus :func:`dice_loss`, equally weighted.

    Args:
        outputs: Foreground before the sigmoid, float ``[N, 1, H, W]``.
        target: Classes, int64 ``[N, H, W]``; all but the first are foreground.
    """
    logits, foreground = outputs[:, 0].float(), (target > 0).float()
    entropy = F.binary_cross_entropy_with_logits(logits, foreground)
    return entropy + dice_loss(logits.sigmoid(), foreground)


class UNetTrainer(SegmentationTrainer[UNetConfig]):
    """The network, with one output for the foreground, and its optimiser."""

    def build(self) -> UNet:
        """A network with random weights."""
        assert len(self.images.classes) == 2, "one output tells foreground from background"
        return UNet(channels=self.config.channels, bilinear=self.config.bilinear)

    def new_optimiser(self) -> torch.optim.AdamW:
        """AdamW with its usual momenta."""
        config = self.config
        return torch.optim.AdamW(
            self.network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True
        )

    def loss(self, outputs: Any, target: Tensor) -> Tensor:
        """See :func:`unet_loss`."""
        return unet_loss(outputs, target)
