"""Seconds a step of U-Net training: ours against a transcription of the public program's.

Both train networks of the published size on the same batch from the same weights: losses, gradients
and update. The transcription computes as the public program does, in the usual layout of memory,
with RMSprop and clipped gradients. Ours also reads the batch and brings it to the network's range.
First the outputs of both are compared.

    OMP_NUM_THREADS=2 python benchmarks/students.py --size 128 --batch 2
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from timing import ratio
from torch import Tensor, nn

from l4f_bench.annotators.unet import UNet
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.training.unet import UNetTrainer
from l4f_bench.training.unet_config import PRESETS

TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class OneBatch:
    """Always the same images with masks."""

    images: np.ndarray
    masks: np.ndarray
    classes: tuple[str, ...] = ("background", "object")
    digest: str = "one batch"
    held_out: range = range(0)

    def batch(self, indices: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``."""
        return self.images, self.masks


class PublishedStep:
    """The public program's step on a network with our weights."""

    def __init__(self, network: UNet, data: OneBatch) -> None:
        self.network = copy.deepcopy(network).to(memory_format=torch.contiguous_format).train()
        self.images = torch.from_numpy(data.images).float() / 255
        self.masks = torch.from_numpy(data.masks).float()
        self.optimiser = torch.optim.RMSprop(
            self.network.parameters(), lr=1e-5, weight_decay=1e-8, momentum=0.999
        )

    def logits(self) -> Tensor:
        """Outputs ``[N, 1, H, W]`` of the batch."""
        return published_unet(self.network, self.images)

    def step(self, number: int) -> None:
        """Lower binary cross-entropy and Dice once."""
        logits = self.logits()[:, 0]
        probability = logits.sigmoid()
        both = (probability * self.masks).sum()
        dice = (2 * both + 1e-6) / (probability.sum() + self.masks.sum() + 1e-6)
        loss = F.binary_cross_entropy_with_logits(logits, self.masks) + 1 - dice
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()


def published_unet(network: UNet, x: Tensor) -> Tensor:
    """Outputs of a U-Net: its modules in the order of the public network."""
    levels = [network.inc(x)]
    for number in range(1, 5):
        convolutions = getattr(network, f"down{number}").maxpool_conv[1]
        levels.append(convolutions(F.max_pool2d(levels[-1], 2)))
    x = levels.pop()
    for number in range(1, 5):
        up, level = getattr(network, f"up{number}"), levels.pop()
        x = up.conv(torch.cat([level, up.up(x)], dim=1))
    outputs: Tensor = network.outc(x)
    return outputs


def seconds(step: Callable[[int], object], number: int) -> float:
    """How long one step takes."""
    start = time.perf_counter()
    step(number)
    return time.perf_counter() - start


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--bilinear", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Time both in turns and print seconds and their ratio as JSON."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    images, masks = shapes_batch(range(arguments.batch), resolution=arguments.size, seed=0)
    data = OneBatch(images, masks.astype(np.uint8))
    config = replace(
        PRESETS.get("full").config,
        resolution=arguments.size,
        side=arguments.size,
        batch_size=arguments.batch,
        channels=arguments.channels,
        bilinear=arguments.bilinear,
        flips=False,
        zoom=1.0,
        brightness=0.0,
        contrast=0.0,
        saturation=0.0,
    )
    ours = UNetTrainer(config, data, num_steps=1000)
    assert isinstance(ours.network, UNet)
    published = PublishedStep(ours.network, data)
    with torch.no_grad():
        own = ours.network.train()(published.images.contiguous(memory_format=torch.channels_last))
        difference = float((own - published.logits()).abs().max())
    assert difference <= TOLERANCE, f"outputs differ by {difference:.2g}"
    steps = {"published": published.step, "ours": ours.step}
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(arguments.rounds + 1):  # the first warms up
        for name, step in steps.items():
            spent = seconds(step, number)
            if number:
                taken[name].append(spent)
    result = {
        **vars(arguments),
        "parameters": sum(p.numel() for p in ours.network.parameters()),
        **{f"{name}_s_per_step": round(statistics.median(s), 3) for name, s in taken.items()},
        "ratio": ratio(taken["published"], taken["ours"]),
        "max_difference": difference,
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
