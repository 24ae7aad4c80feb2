"""Gradients and statistics after some steps of training, written by the first process.

With smooth layers: rounding decides on which side of its kink a ReLU near 0 is, and so moves
gradients by far more than itself. Steps are small, as AdamW makes the most of any gradient.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from l4f_bench.distributed import is_first, processes
from l4f_bench.training import bisenet_config, unet_config
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.labelled import LabelledShapes
from l4f_bench.training.unet import UNetTrainer


def smooth(network: nn.Module) -> None:
    """Replace every ReLU and largest of four pixels."""
    for name, child in network.named_children():
        if isinstance(child, nn.ReLU):
            setattr(network, name, nn.SiLU())
        elif type(child).__name__ == "HalfSize":
            setattr(network, name, nn.AvgPool2d(2))
        else:
            smooth(child)


def main(method: str, out: Path) -> None:
    """Do three steps, look at what is held out, and write what that ends with."""
    F.relu, F.max_pool2d = F.silu, F.avg_pool2d  # type: ignore[assignment]
    kinds: dict[str, Any] = {
        "unet": (UNetTrainer, unet_config.PRESETS),
        "bisenet": (BiSeNetTrainer, bisenet_config.PRESETS),
    }
    build, presets = kinds[method]
    with processes("cpu"):
        config = replace(presets.get("debug").config, lr=1e-5)
        trainer = build(config, LabelledShapes(config.resolution, 0), num_steps=20)
        smooth(trainer.network)
        losses = [trainer.step(step)["loss"] for step in range(3)]
        statistics = {k: v for k, v in trainer.network.state_dict().items() if "running" in k}
        gradients = {name: weight.grad for name, weight in trainer.network.named_parameters()}
        seen = {
            "losses": torch.tensor(losses),
            "miou": torch.tensor(trainer.validate(3)["val_miou"]),
        }
        if is_first():
            torch.save(statistics | gradients | seen, out)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
