"""BiSeNet training: hard-example cross-entropy on three heads, SGD with a polynomial decay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FaceParser, preprocess
from l4f_bench.annotators.ohem import bisenet_loss
from l4f_bench.annotators.parser_file import write_parser
from l4f_bench.distributed import num_processes
from l4f_bench.errors import InputError
from l4f_bench.seeds import random_numbers
from l4f_bench.training.bisenet_config import BiSeNetConfig
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.grids import sheet
from l4f_bench.training.identity import about
from l4f_bench.training.labelled import LabelledImages
from l4f_bench.training.states import load_optimiser

_GRID = 8  # samples in the grid


class BiSeNetTrainer:
    """The network and its optimiser."""

    def __init__(
        self,
        config: BiSeNetConfig,
        images: LabelledImages,
        compute: Compute = PLAIN,
        *,
        num_steps: int,
        export_name: str = "annotator.safetensors",
    ) -> None:
        """Build with random weights that depend on the seed alone.

        Args:
            config: The settings.
            images: What to learn from.
            compute: Where and how to compute.
            num_steps: Steps in all, over which the learning rate falls to 0.
            export_name: Name of the exported file.

        Raises:
            InputError: There are several processes: batch statistics are of one process.
        """
        if num_processes() > 1:
            raise InputError("BiSeNet trains in one process only. Run it without torchrun.")
        self.config, self.images, self.compute = config, images, compute
        self.batch_size, self.num_steps = config.batch_size, num_steps
        self.export_name = export_name
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = BiSeNet(len(images.classes), width=config.width)
        self.network = network.to(compute.device).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.SGD(
            self.network.parameters(),
            lr=config.lr,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
        )

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""
        return num_steps * self.batch_size

    def step(self, step: int) -> dict[str, float]:
        """Train on one batch."""
        self.network.train()
        images, target = self._batch(step)
        for group in self.optimiser.param_groups:
            group["lr"] = self._learning_rate(step)
        with self.compute.autocast():
            loss = bisenet_loss(self.network(images), target)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {"loss": float(loss.detach())}

    def _learning_rate(self, step: int) -> float:
        config = self.config
        rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
        left = max(1 - step / self.num_steps, 0.0)
        return float(config.lr * rise * left**config.decay_power)

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Normalised images and classes at the network's size."""
        config = self.config
        first = step * self.batch_size
        pixels, classes = self.images.batch(range(first, first + self.batch_size))
        if config.flips:
            source = random_numbers(seed=config.seed, index=step, stream=1)
            flipped = source.random(self.batch_size)[:, None, None] < 0.5
            pixels = np.where(flipped[:, None], pixels[..., ::-1], pixels)
            classes = np.where(flipped, classes[..., ::-1], classes)
        images = preprocess(torch.from_numpy(np.ascontiguousarray(pixels)), config.side)
        labels = torch.from_numpy(np.ascontiguousarray(classes))[:, None]
        target = F.interpolate(labels, (config.side,) * 2, mode="nearest-exact")[:, 0].long()
        device = self.compute.device
        return images.to(device, memory_format=torch.channels_last), target.to(device)

    def state_dict(self) -> dict[str, Any]:
        """Network and optimiser."""
        return {"network": self.network.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        self.network.load_state_dict(state["network"])
        load_optimiser(self.optimiser, state["optimiser"])

    def grid(self) -> npt.NDArray[np.uint8]:
        """Rows of images, true and found foreground of fixed samples, ``[H, W, 3]``."""
        pixels, classes = self.images.batch(range(_GRID))
        images = torch.from_numpy(pixels)
        parser = FaceParser(self.network, classes=self.images.classes, side=self.config.side)
        masks = [torch.from_numpy(classes > 0), parser.annotate(images).mask]
        grey = [(mask[:, None].expand(-1, 3, -1, -1) * 255).to(torch.uint8) for mask in masks]
        return sheet(torch.stack([images, *grey]))

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Nothing to check: losses that are not numbers stop the run anyway."""

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the network with its classes and size."""
        path = folder / self.export_name
        write_parser(
            path,
            self.network,
            classes=self.images.classes,
            side=self.config.side,
            about=about(self, num_steps),
        )
        return [path]
