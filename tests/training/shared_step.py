"""Gradients and statistics after some steps of U-Net training, written by the first process.

With smooth layers: rounding decides on which side of its kink a ReLU near 0 is, and so moves
gradients by far more than itself. Steps are small, as AdamW makes the most of any gradient.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from l4f_bench.distributed import is_first, processes
from l4f_bench.training.labelled import LabelledShapes
from l4f_bench.training.unet import UNetTrainer
from l4f_bench.training.unet_config import PRESETS


def smooth(network: nn.Module) -> None:
    """Replace every ReLU and largest of four pixels."""
    for name, child in network.named_children():
        if isinstance(child, nn.ReLU):
            setattr(network, name, nn.SiLU())
        elif type(child).__name__ == "HalfSize":
            setattr(network, name, nn.AvgPool2d(2))
        else:
            smooth(child)


def main(out: Path) -> None:
    """Do three steps and write the gradients and the statistics that they end with."""
    with processes("cpu"):
        config = replace(PRESETS.get("debug").config, lr=1e-5)
        trainer = UNetTrainer(config, LabelledShapes(config.resolution, 0), num_steps=20)
        smooth(trainer.network)
        for step in range(3):
            trainer.step(step)
        statistics = {k: v for k, v in trainer.network.state_dict().items() if "running" in k}
        gradients = {name: weight.grad for name, weight in trainer.network.named_parameters()}
        if is_first():
            torch.save(statistics | gradients, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
