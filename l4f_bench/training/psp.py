"""Training of encoders: from a generator's own samples, whose codes are known, and photographs.

Source: the losses of pixel2style2pixel (CVPR 2021) on pixels and codes; samples as training data as
in "GAN inversion with a learned encoder" (Zhu et al., ECCV 2020).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.devices import to_bytes
from l4f_bench.distributed import data_parallel, num_processes, shard
from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.checkpoints.loading import TrainedGenerator
from l4f_bench.generators.stylegan2 import Generator, truncate
from l4f_bench.projection.architecture import EncoderArchitecture
from l4f_bench.projection.encoder_file import write_encoder
from l4f_bench.projection.encoders import ENCODERS, Encoder, StyleHead
from l4f_bench.projection.frames import square
from l4f_bench.projection.losses import structural_loss
from l4f_bench.projection.schedule import LatentStatistics
from l4f_bench.seeds import TRAINING, normal, random_numbers
from l4f_bench.training.adversarial import mean_figures, real_images
from l4f_bench.training.batch_statistics import share_statistics
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.grids import Grid
from l4f_bench.training.identity import about
from l4f_bench.training.images import RealImages
from l4f_bench.training.psp_config import PspConfig
from l4f_bench.training.states import load_optimiser

EXPORT = "encoder.safetensors"
_GRID = 8  # samples in the grid
_LATENTS_OF_SPREAD = 10_000
_Z, _MIXED_Z, _CHOICES = 1, 2, 3  # streams of random numbers


class _Coder(nn.Module):
    """Encoder and frozen generator as one pass: images to codes and reconstructions."""

    def __init__(
        self, encoder: Encoder, generator: Generator, mean_latent: Tensor, side: int
    ) -> None:
        super().__init__()
        self.encoder, self.generator = encoder, generator
        self.mean_latent, self.side = mean_latent, side

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Codes ``[N, L, w_dim]`` and reconstructions of images ``[N, 3, S, S]``."""
        seen = images
        if images.shape[-1] != self.side:
            size = (self.side, self.side)
            seen = F.interpolate(images, size, mode="bilinear", antialias=True)
        codes = self.encoder(seen) + self.mean_latent
        return codes, self.generator.synthesis(codes)


class _Sources:
    """What an encoder learns from, as resumed runs compare it."""

    def __init__(self, generator: str, photographs: RealImages | None) -> None:
        also = "" if photographs is None else f" and {photographs.digest}"
        self.digest = f"samples of {generator}{also}"


class PspTrainer:
    """Encoder, its optimiser, and the frozen generator."""

    def __init__(
        self,
        config: PspConfig,
        generator: TrainedGenerator,
        photographs: RealImages | None,
        compute: Compute = PLAIN,
        *,
        num_steps: int,
    ) -> None:
        """Build with random weights that depend on the seed alone.

        Args:
            config: The settings.
            generator: Whose codes are learnt.
            photographs: Further images at the generator's size, whose codes nobody knows.
            compute: Where and how to compute.
            num_steps: Steps in all, over which the learning rate falls to 0.

        Raises:
            InputError: The processes cannot share a batch.
        """
        if config.batch_size % num_processes():
            raise InputError(
                f"A batch of {config.batch_size} does not divide among {num_processes()} "
                "processes. Choose another with --set batch_size=N."
            )
        self.config, self.photographs, self.compute = config, photographs, compute
        self.images = _Sources(generator.sha256, photographs)
        self.device, self.num_steps = compute.device, num_steps
        self.batch_size = config.batch_size
        self.generator = generator.network.to(self.device).eval().requires_grad_(False)
        self.mean_latent = generator.mean_latent.to(self.device)
        self.spread = self._spread()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            encoder = ENCODERS[config.encoder](_sizes(config, self.generator.architecture))
        for module in encoder.modules():
            if isinstance(module, StyleHead):
                module.linear.weight.data.mul_(0.1)  # the first codes are near the mean
        share_statistics(encoder)
        self.encoder = encoder.to(self.device).to(memory_format=torch.channels_last)
        self.coder = data_parallel(self._coder())
        self.optimiser = torch.optim.Adam(self.encoder.parameters(), lr=config.lr)

    def _coder(self) -> _Coder:
        return _Coder(self.encoder, self.generator, self.mean_latent, self.config.side)

    @torch.no_grad()
    def _spread(self) -> Tensor:
        """Root mean square distance of a number of w from its mean."""
        width = self.generator.architecture.z_dim
        z = normal((_LATENTS_OF_SPREAD, width), seed=self.config.seed, index=0)
        w = self.generator.mapping(z.to(self.device))
        return LatentStatistics.of(w).std / math.sqrt(w.shape[1])

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""
        return num_steps * self.batch_size

    def step(self, step: int) -> dict[str, float]:
        """Train on one batch of samples, and one of photographs where there are some."""
        self.encoder.train()
        codes, images = self._samples(step)
        if self.photographs is not None:
            images = torch.cat([images, self._photographs(self.photographs, step)])
        self.optimiser.param_groups[0]["lr"] = self._learning_rate(step)
        with self.compute.autocast():
            found, painted = self.coder(images)
            losses = self._losses(codes, images, found.float(), painted.float())
            self.optimiser.zero_grad()
            losses["loss"].backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        return mean_figures(losses)

    def _losses(
        self, codes: Tensor, images: Tensor, found: Tensor, painted: Tensor
    ) -> dict[str, Tensor]:
        """Losses by name; the first images are the samples of ``codes``."""
        config, count = self.config, len(codes)
        losses = {
            "latent": ((found[:count] - codes) / self.spread).square().mean(),
            "pixel": F.mse_loss(painted[:count], images[:count]),
            "structure": structural_loss(painted, images),
        }
        total = (
            config.latent_loss * losses["latent"]
            + config.pixel_loss * losses["pixel"]
            + config.structure_loss * losses["structure"]
        )
        if len(images) > count:
            losses["photo"] = F.mse_loss(painted[count:], images[count:])
            total = total + config.photo_loss * losses["photo"]
        return {"loss": total, **losses}

    def _learning_rate(self, step: int) -> float:
        rise = min(1.0, (step + 1) / max(self.config.warmup_steps, 1))
        fall = 0.5 + 0.5 * math.cos(math.pi * min(step / self.num_steps, 1))
        return self.config.lr * rise * fall

    @torch.no_grad()
    def _samples(self, step: int) -> tuple[Tensor, Tensor]:
        """This process's codes ``[N, L, w_dim]``, and the images painted of them."""
        config, sizes = self.config, self.generator.architecture
        seed, shape = TRAINING + config.seed, (self.batch_size, sizes.z_dim)
        coarse, fine = (
            self.generator.w_plus(self._w(shard(normal(shape, seed=seed, index=step, stream=part))))
            for part in (_Z, _MIXED_Z)
        )
        source = random_numbers(seed=seed, index=step, stream=_CHOICES)
        mixed = source.random(self.batch_size) < config.style_mixing
        start = source.integers(1, sizes.num_latents, self.batch_size)
        start = np.where(mixed, start, sizes.num_latents)
        second = shard(torch.from_numpy(np.arange(sizes.num_latents) >= start[:, None]))
        codes = torch.where(second.to(self.device)[:, :, None], fine, coarse)
        return codes, self.generator.synthesis(codes)

    def _photographs(self, photographs: RealImages, step: int) -> Tensor:
        """This process's photographs of a step, float ``[N, 3, S, S]`` in [-1, 1]."""
        first, config = step * self.batch_size, self.config
        indices = range(first, first + self.batch_size)
        found = real_images(photographs, indices, step=step, seed=config.seed, flips=config.flips)
        return found.to(self.device)

    def _w(self, z: Tensor) -> Tensor:
        w = self.generator.mapping(z.to(self.device))
        return truncate(w, self.config.truncation, self.mean_latent)

    def state_dict(self) -> dict[str, Any]:
        """Encoder and optimiser."""
        return {"encoder": self.encoder.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        self.encoder.load_state_dict(state["encoder"])
        load_optimiser(self.optimiser, state["optimiser"])

    @torch.no_grad()
    def grid(self) -> Grid:
        """Samples, always the same, and their reconstructions."""
        self.encoder.eval()
        shape = (_GRID, self.generator.architecture.z_dim)
        images = self.generator.synthesis(self._w(normal(shape, seed=self.config.seed, index=0)))
        _, painted = self._coder()(images)
        return {"sample": to_bytes(images), "reconstruction": to_bytes(painted)}

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Nothing to check: losses that are not numbers stop the run anyway."""

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the encoder with the latent that its codes start from."""
        path = folder / EXPORT
        write_encoder(
            path,
            copy.deepcopy(self.encoder).cpu(),
            latent_average=self.mean_latent,
            frame=square(self.config.side),
            about=about(self, num_steps),
        )
        return [path]


def _sizes(config: PspConfig, generator: GeneratorArchitecture) -> EncoderArchitecture:
    return EncoderArchitecture(
        num_styles=generator.num_latents,
        latent_width=generator.w_dim,
        stem_width=config.widths[0],
        widths=config.widths,
        blocks=config.blocks,
        squeezed=tuple(max(width // config.squeeze, 1) for width in config.widths),
        head_width=config.head_width,
        head_convs=(config.side // 16).bit_length() - 1,
        image_channels=generator.image_channels,
    )
