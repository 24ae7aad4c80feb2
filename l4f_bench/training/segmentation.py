"""Training of networks that parse images, from labelled ones: what every kind has in common.

Processes share each batch. Batch normalisation takes its statistics over all of it, so that two
processes train the weights of one, within rounding.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.contracts import ParsingNetwork
from l4f_bench.annotators.face_parsing import FaceParser, normalised, preprocess
from l4f_bench.annotators.parser_file import write_parser
from l4f_bench.distributed import data_parallel, mean, num_processes, shard, total
from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.scores import Empty, class_scores
from l4f_bench.seeds import random_numbers
from l4f_bench.training.augmentation import AugmentationConfig, augmented
from l4f_bench.training.batch_statistics import share_statistics
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.grids import Grid
from l4f_bench.training.identity import about
from l4f_bench.training.labelled import LabelledImages
from l4f_bench.training.states import load_optimiser

_GRID = 8  # samples in the grid
_AGREE = Empty(iou=1.0, ratio=1.0)  # masks without a class that both lack

ByteArray = npt.NDArray[np.uint8]


class SegmentationConfig(AugmentationConfig, Protocol):
    """The settings that every such training has."""

    @property
    def side(self) -> int:
        """Side in pixels that the network sees images at."""

    @property
    def lr(self) -> float:
        """Highest learning rate."""

    @property
    def warmup_steps(self) -> int:
        """Steps in which it rises."""

    @property
    def decay_power(self) -> float:
        """Power of the share of steps that remain by which it falls."""

    @property
    def flips(self) -> bool:
        """Mirror half of the images."""


@dataclass(frozen=True, slots=True)
class _Best:
    """The weights that scored best on the images that are held out."""

    miou: float
    """-1 before the first look."""
    num_steps: int
    weights: dict[str, Tensor]


Config = TypeVar("Config", bound=SegmentationConfig)


class SegmentationTrainer(ABC, Generic[Config]):
    """A network and its optimiser; kinds say what they build and how they learn."""

    def __init__(
        self,
        config: Config,
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
            InputError: The processes cannot share a batch.
        """
        if config.batch_size % num_processes():
            raise InputError(
                f"A batch of {config.batch_size} does not divide among {num_processes()} "
                "processes. Choose another with --set batch_size=N."
            )
        self.config, self.images, self.compute = config, images, compute
        self.batch_size, self.num_steps = config.batch_size, num_steps
        self.export_name = export_name
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = self.build()
        share_statistics(network)
        self.network = network.to(compute.device).to(memory_format=torch.channels_last)
        self.shared = data_parallel(self.network)
        self.optimiser = self.new_optimiser()
        self._best = _Best(-1.0, 0, self._weights())

    @abstractmethod
    def build(self) -> ParsingNetwork:
        """A network with random weights."""

    @abstractmethod
    def new_optimiser(self) -> torch.optim.AdamW | torch.optim.SGD:
        """An optimiser of the network."""

    @abstractmethod
    def loss(self, outputs: Any, target: Tensor) -> Tensor:
        """What to lower, given the network's outputs and classes int64 ``[N, H, W]``.

        It must be a mean over images for processes to share them.
        """

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
            loss = self.loss(self.shared(images), target)
            self.optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return {"loss": float(mean(loss))}

    def _learning_rate(self, step: int) -> float:
        config = self.config
        rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
        left = max(1 - step / self.num_steps, 0.0)
        return float(config.lr * rise * left**config.decay_power)

    def _batch(self, step: int) -> tuple[Tensor, Tensor]:
        """This process's share: images as the network reads them, and their classes."""
        config = self.config
        first = step * self.batch_size
        pixels, classes = self.images.batch(shard(range(first, first + self.batch_size)))
        if config.flips:
            source = random_numbers(seed=config.seed, index=step, stream=1)
            flipped = shard(source.random(self.batch_size))[:, None, None] < 0.5
            pixels = np.where(flipped[:, None], pixels[..., ::-1], pixels)
            classes = np.where(flipped, classes[..., ::-1], classes)
        images, target = self._on_device(pixels, classes)
        images, target = augmented(images, target, config, step)
        return self._as_read(images), target

    def _on_device(self, pixels: ByteArray, classes: ByteArray) -> tuple[Tensor, Tensor]:
        """Images in [0, 1] and their classes, at the side that the network sees."""
        side, device = self.config.side, self.compute.device
        images = preprocess(torch.from_numpy(np.ascontiguousarray(pixels)), side, "unit")
        labels = torch.from_numpy(np.ascontiguousarray(classes))[:, None]
        target = F.interpolate(labels, (side,) * 2, mode="nearest-exact")[:, 0].long()
        return images.to(device), target.to(device)

    def _as_read(self, images: Tensor) -> Tensor:
        images = normalised(images, self.network.normalisation)
        return images.contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def validate(self, num_steps: int) -> dict[str, float]:
        """Scores of the images that are held out, pooled; the best weights by mIoU are kept.

        Processes share the images. Without any there are no scores.
        """
        held_out, size = self.images.held_out, self.batch_size
        if not held_out:
            return {}
        self.network.eval()
        counts = np.zeros(4, np.int64)
        for first in range(0, len(held_out), size):
            if share := shard(held_out[first : first + size]):
                images, target = self._on_device(*self.images.batch(share))
                with self.compute.autocast():
                    found = self.network.scores(self._as_read(images)).argmax(1)
                counts += count_pixels((found > 0).cpu().numpy(), (target > 0).cpu().numpy())
        counts = total(torch.from_numpy(counts).to(self.compute.device)).cpu().numpy()
        iou = class_scores(counts, _AGREE)["iou"]
        if (miou := float(iou.mean())) > self._best.miou:
            self._best = _Best(miou, num_steps, self._weights())
        return {"val_miou": miou, "val_iou_fg": float(iou[1])}

    def _weights(self) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in self.network.state_dict().items()}

    def state_dict(self) -> dict[str, Any]:
        """Network, optimiser, and the best network so far."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "best": {
                "miou": self._best.miou,
                "num_steps": self._best.num_steps,
                "weights": self._best.weights,
            },
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        best = state["best"]
        self.network.load_state_dict(best["weights"])
        self._best = _Best(float(best["miou"]), int(best["num_steps"]), self._weights())
        self.network.load_state_dict(state["network"])
        load_optimiser(self.optimiser, state["optimiser"])

    def grid(self) -> Grid:
        """Fixed images with their true and found foreground."""
        pixels, classes = self.images.batch(self.images.held_out[:_GRID] or range(_GRID))
        images = torch.from_numpy(pixels)
        parser = FaceParser(self.network, classes=self.images.classes, side=self.config.side)
        masks = {"truth": torch.from_numpy(classes > 0), "found": parser.annotate(images).mask}
        grey = {
            name: (mask[:, None].expand(-1, 3, -1, -1) * 255).to(torch.uint8)
            for name, mask in masks.items()
        }
        return {"image": images, **grey}

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Nothing to check: losses that are not numbers stop the run anyway."""

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the network with its classes and size; and the best one, where that is known."""
        last = folder / self.export_name
        self._write(last, self.network, num_steps)
        if not self.images.held_out:
            return [last]
        best = copy.deepcopy(self.network)
        best.load_state_dict(self._best.weights)
        path = last.with_name(f"{last.stem}-best{last.suffix}")
        self._write(path, best, self._best.num_steps, val_miou=self._best.miou)
        return [last, path]

    def _write(self, path: Path, network: ParsingNetwork, num_steps: int, **scores: float) -> None:
        write_parser(
            path,
            network,
            classes=self.images.classes,
            side=self.config.side,
            about=about(self, num_steps) | scores,
        )
