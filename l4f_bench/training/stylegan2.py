"""StyleGAN2 training: non-saturating loss, lazy gradient penalty, averaged generator."""

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
from l4f_bench.distributed import data_parallel, mean, shard
from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import (
    DiscriminatorArchitecture,
    GeneratorArchitecture,
    resolutions,
)
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.convert import write_checkpoint
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.seeds import normal, random_numbers
from l4f_bench.training.adversarial import (
    check_batch,
    gradients_pass,
    lazy_r1,
    mean_figures,
    real_batch,
    train_discriminator,
)
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.gan_config import GanConfig
from l4f_bench.training.grids import Grid
from l4f_bench.training.identity import about
from l4f_bench.training.images import RealImages
from l4f_bench.training.states import load_optimiser

EXPORT = "generator.safetensors"
EXPORT_BOTH = "generator-and-discriminator.safetensors"
_GRID = 64  # samples in the grid
_LATENTS_OF_MEAN = 10_000
_PATH_DECAY = 0.01  # share of the latest path lengths in their running mean
# Streams of random numbers: those of a step, and those of the sample grid.
_Z, _MIXED_Z, _NOISE, _CHOICES, _PATH_Z, _PATH_NOISE, _PATH_DIRECTION, _GRID_Z = range(1, 9)


class _Painter(nn.Module):
    """The generator as one pass from z to images."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(
        self, z: Tensor, noise: list[Tensor], second: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Images and the w+ ``[N, num_latents, w_dim]`` that they were painted from.

        Args:
            z: Latents ``[N, z_dim]``; with ``second`` ``[2 N, z_dim]``.
            noise: One map per styled convolution.
            second: Where the second half of ``z`` counts, bool ``[N, num_latents, 1]``.
        """
        count = self.generator.architecture.num_latents
        w = self.generator.mapping(z)[:, None]
        if second is None:
            w_plus = w.expand(-1, count, -1)
        else:
            coarse, fine = w.chunk(2)
            w_plus = torch.where(second, fine, coarse)
        return self.generator.synthesis(w_plus, noise=noise), w_plus


class StyleGan2Trainer:
    """Generator, discriminator, averaged generator and their optimisers."""

    def __init__(self, config: GanConfig, images: RealImages, compute: Compute = PLAIN) -> None:
        """Build with random weights that depend on the seed alone.

        Raises:
            InputError: The processes cannot share a batch, or compiled code cannot do what the
                settings ask for.
        """
        check_batch(config)
        if compute.compiled and config.path_length > 0:
            raise InputError(
                "The path length penalty needs second derivatives, which compiled code lacks. "
                "Leave out --compile, or --set path_length=0."
            )
        self.config, self.images, self.compute = config, images, compute
        self.device = compute.device
        self.batch_size = config.batch_size
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generator = Generator(
                GeneratorArchitecture(
                    size=config.resolution,
                    channels=config.channels,
                    mapping_widths=(config.latent_width,) * (config.mapping_layers + 1),
                )
            )
            discriminator = Discriminator(
                DiscriminatorArchitecture(
                    size=config.resolution, channels=config.discriminator_channels
                )
            )
        self.generator, self.discriminator = (
            generator.to(self.device),
            discriminator.to(self.device),
        )
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.painter = data_parallel(_Painter(compute.prepare(self.generator)))
        self.judge = data_parallel(self.discriminator)
        self.generator_optimiser = self._adam(self.generator)
        self.discriminator_optimiser = self._adam(self.discriminator)
        self.mean_path_length = torch.zeros((), device=self.device)

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(), lr=self.config.lr, betas=(0.0, 0.99), fused=True
        )

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""
        return num_steps * self.batch_size

    def step(self, step: int) -> dict[str, float]:
        """Train both networks on one batch.

        The generator is trained on the images that the discriminator has just seen, which saves
        painting a second batch.
        """
        with self.compute.autocast():
            fake, _ = self.painter(*self._latents(step))
            losses = train_discriminator(
                self.judge,
                self.discriminator_optimiser,
                real_batch(self.images, step, self.config).to(self.device),
                fake.detach(),
                r1=lazy_r1(self.config, step),
            )
            losses |= self._train_generator(step, fake)
        self._average(step)
        return mean_figures(losses)

    def _train_generator(self, step: int, fake: Tensor) -> dict[str, Tensor]:
        config = self.config
        with gradients_pass(self.discriminator):
            loss = F.softplus(-self.discriminator(fake)).mean()
            self.generator_optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        if config.path_length > 0 and step % config.path_length_every == 0:
            weight = config.path_length * config.path_length_every
            (weight * self._path_length_penalty(step)).backward()  # type: ignore[no-untyped-call]
        self.generator_optimiser.step()
        return {"loss_g": loss}

    def _path_length_penalty(self, step: int) -> Tensor:
        """Squared deviation of the path lengths of half a batch from their running mean.

        The mean takes these lengths in first, and gradients pass it, as in the public code.

        Source: StyleGAN2 (CVPR 2020), section 3.2.
        """
        num_images, seed = self.batch_size // 2, self.config.seed
        z = self._normal((num_images, self.config.latent_width), step, _PATH_Z)
        image: Tensor
        image, w_plus = self.painter(z, self._noise(step, _PATH_NOISE, num_images))
        shape = (num_images, *image.shape[1:])
        direction = shard(normal(shape, seed=seed, index=step, stream=_PATH_DIRECTION))
        direction = direction.to(image) / math.sqrt(image.shape[2] * image.shape[3])
        (gradient,) = torch.autograd.grad((image * direction).sum(), w_plus, create_graph=True)
        lengths = gradient.square().sum(dim=2).mean(dim=1).sqrt()
        average, share = mean(lengths.mean()), lengths.mean()
        self.mean_path_length = torch.lerp(self.mean_path_length, average, _PATH_DECAY)
        penalty: Tensor = (lengths - self.mean_path_length).square().mean()
        # The gradient by the mean, to which every process gives its share; the value is 0.
        slope = 2 * _PATH_DECAY * (self.mean_path_length - average)
        penalty = penalty + slope * (share - share.detach())
        # The last biases do not change the lengths, but many processes wait for every gradient.
        return penalty + 0 * image.mean()

    @torch.no_grad()
    def _average(self, step: int) -> None:
        config = self.config
        seen = (step + 1) * self.batch_size
        half_life = max(min(config.ema_kimg * 1000, config.ema_rampup * seen), 1e-8)
        weight = 1 - 0.5 ** (self.batch_size / half_life)
        torch._foreach_lerp_(
            list(self.average.parameters()), list(self.generator.parameters()), weight
        )

    def _latents(self, step: int) -> tuple[Tensor, list[Tensor], Tensor]:
        """What the painter needs; some images change latents at a random layer."""
        num_latents = self.generator.architecture.num_latents
        shape = (self.batch_size, self.config.latent_width)
        z = torch.cat([self._normal(shape, step, stream) for stream in (_Z, _MIXED_Z)])
        source = random_numbers(seed=self.config.seed, index=step, stream=_CHOICES)
        mixed = source.random(self.batch_size) < self.config.style_mixing
        start = np.where(mixed, source.integers(1, num_latents, self.batch_size), num_latents)
        second = shard(torch.from_numpy(np.arange(num_latents) >= start[:, None]))
        return z, self._noise(step, _NOISE), second.to(self.device)[:, :, None]

    def _noise(self, step: int, stream: int, num_images: int | None = None) -> list[Tensor]:
        """One noise map ``[N, 1, H, W]`` per styled convolution, of this process's images."""
        size = self.config.resolution
        sides = [side for side in resolutions(size) for _ in range(2)][1:]
        num_images = num_images or self.batch_size
        numbers = self._normal((num_images, sum(side**2 for side in sides)), step, stream)
        parts = torch.split(numbers, [side**2 for side in sides], dim=1)
        return [part.view(-1, 1, side, side) for part, side in zip(parts, sides, strict=True)]

    def _normal(self, shape: tuple[int, ...], step: int, stream: int) -> Tensor:
        """This process's rows of a step's random numbers."""
        numbers = normal(shape, seed=self.config.seed, index=step, stream=stream)
        return shard(numbers).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers and the mean path length."""
        return {
            "g": self.generator.state_dict(),
            "d": self.discriminator.state_dict(),
            "g_ema": self.average.state_dict(),
            "g_optimiser": self.generator_optimiser.state_dict(),
            "d_optimiser": self.discriminator_optimiser.state_dict(),
            "mean_path_length": self.mean_path_length,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        self.generator.load_state_dict(state["g"])
        self.discriminator.load_state_dict(state["d"])
        self.average.load_state_dict(state["g_ema"])
        load_optimiser(self.generator_optimiser, state["g_optimiser"])
        load_optimiser(self.discriminator_optimiser, state["d_optimiser"])
        self.mean_path_length = torch.tensor(float(state["mean_path_length"]), device=self.device)

    @torch.no_grad()
    def grid(self) -> Grid:
        """Samples of the averaged generator, always of the same latents."""
        shape, seed = (_GRID, self.config.latent_width), self.config.seed
        z = normal(shape, seed=seed, index=0, stream=_GRID_Z).to(self.device)
        images = self.average.synthesis(self.average.mapping(z))
        return {"samples": to_bytes(images)}

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Nothing to check: a collapse shows in the grids, not in the losses."""

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the averaged generator; in a second file the discriminator as well."""
        mean = self.average.mean_latent(_LATENTS_OF_MEAN, self.config.seed)[0]
        states = {"g_ema": self.average.state_dict(), "d": self.discriminator.state_dict()}
        networks = {
            name: {key: value.cpu() for key, value in state.items()}
            for name, state in states.items()
        }
        for name, held in ((EXPORT, ("g_ema",)), (EXPORT_BOTH, ("g_ema", "d"))):
            checkpoint = Checkpoint(
                format="l4f-bench",
                networks={key: networks[key] for key in held},
                latent_averages={"g_ema": mean.cpu()},
                metadata=about(self, num_steps),
            )
            write_checkpoint(folder / name, checkpoint)
        return [folder / EXPORT, folder / EXPORT_BOTH]
