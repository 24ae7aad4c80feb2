"""PSeg training: WGAN-GP on perturbed composites, at growing resolutions."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.devices import to_bytes
from l4f_bench.distributed import average_gradients, num_processes, shard
from l4f_bench.errors import InputError, TrainingError
from l4f_bench.seeds import normal, random_numbers
from l4f_bench.training.adversarial import gradients_pass, mean_figures, real_images
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.grids import Grid
from l4f_bench.training.identity import about
from l4f_bench.training.images import RealImages
from l4f_bench.training.states import load_optimiser
from l4f_bench_baselines.pseg.checkpoint import write_pseg
from l4f_bench_baselines.pseg.config import PSegConfig
from l4f_bench_baselines.pseg.discriminator import Discriminator
from l4f_bench_baselines.pseg.generator import LayeredGenerator, Layers, noise_maps
from l4f_bench_baselines.pseg.objective import gradient_penalty, loss_on_real, mask_loss
from l4f_bench_baselines.pseg.perturb import cut_squares, draw_perturbations, perturb
from l4f_bench_baselines.pseg.schedule import Schedule, Stage

EXPORT = "pseg.safetensors"
_GRID = 8  # samples in the grid
_COVERED = (0.05, 0.95)  # beyond these a mask says nothing
# Streams of random numbers; 0 belongs to the flips of the real images.
_Z, _MIXED_Z, _NOISE, _CHOICES, _PERTURBATIONS, _MIX, _CROPS, _GRID_Z, _GRID_NOISE = range(1, 10)


class PSegTrainer:
    """Layered generator, its average, the discriminator and their optimisers.

    The discriminator's batch statistic is over the images of one process.
    """

    def __init__(self, config: PSegConfig, images: RealImages, compute: Compute = PLAIN) -> None:
        """Build with random weights that depend on the seed alone.

        Raises:
            InputError: The processes cannot share a batch, or compiled code is asked for.
        """
        _check(config, compute)
        self.config, self.images, self.compute = config, images, compute
        self.device = compute.device
        self.schedule = Schedule(config)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generator = LayeredGenerator(config.architecture)
            discriminator = Discriminator(config.channels)
        self.generator = generator.to(self.device)
        self.discriminator = discriminator.to(self.device)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.generator_optimiser = torch.optim.Adam(
            [
                {"params": list(self.generator.synthesis_parameters()), "share": 1.0},
                {"params": list(self.generator.mapping_parameters()), "share": config.mapping_lr},
            ],
            betas=(0.0, 0.99),
        )
        self.discriminator_optimiser = torch.optim.Adam(
            [{"params": list(self.discriminator.parameters()), "share": 1.0}], betas=(0.0, 0.99)
        )
        self.steps_done = self.collapsed_steps = 0

    @property
    def batch_size(self) -> int:
        """Images of the next step."""
        return self.schedule.at(self.steps_done).batch_size

    def images_after(self, num_steps: int) -> int:
        """Real images used in the first ``num_steps`` steps."""
        return self.schedule.at(num_steps).first_image

    def step(self, step: int) -> dict[str, float]:
        """Train both networks on one batch of composites, which the discriminator sees first."""
        stage = self.schedule.at(step)
        for optimiser in (self.generator_optimiser, self.discriminator_optimiser):
            for group in optimiser.param_groups:
                group["lr"] = stage.lr * group["share"]
        with self.compute.autocast():
            layers = self._paint(step, stage)
            fake = layers.composite
            losses = self._train_discriminator(step, stage, fake.detach())
            losses |= self._train_generator(stage, fake, layers.alpha)
        self._average()
        figures = mean_figures(losses)
        self._watch(figures)
        self.steps_done = step + 1
        return figures | {"resolution": stage.resolution, "fade": stage.fade}

    def _paint(self, step: int, stage: Stage) -> Layers:
        """Perturbed layers of this process's share of a batch."""
        config, count = self.config, stage.batch_size
        maps = noise_maps(
            config.architecture, stage.level, count, seed=config.seed, index=step, stream=_NOISE
        )
        noise = [shard(level).to(self.device) for level in maps]
        layers = self.generator(self._styles(step, stage), noise, stage.level, stage.fade)
        offsets, factors = draw_perturbations(
            random_numbers(seed=config.seed, index=step, stream=_PERTURBATIONS),
            count,
            reach=config.reach,
            side=stage.resolution,
            contrast=config.contrast,
        )
        return perturb(layers, shard(offsets).to(self.device), shard(factors).to(self.device))

    def _styles(self, step: int, stage: Stage) -> Tensor:
        """w ``[N, num_codes, levels, code_dim]``; some change codes at a level above the first."""  # noqa: D403
        config, levels = self.config, stage.level + 1
        shape = (stage.batch_size, config.latent_width)
        z = [normal(shape, seed=config.seed, index=step, stream=s) for s in (_Z, _MIXED_Z)]
        w = self.generator.mapping(torch.cat([shard(codes) for codes in z]).to(self.device))
        coarse, fine = w[:, :, None].chunk(2)  # [N, num_codes, 1, code_dim]
        source = random_numbers(seed=config.seed, index=step, stream=_CHOICES)
        mixed = source.random((stage.batch_size, 1)) < config.style_mixing
        size = (stage.batch_size, config.architecture.num_codes)
        start = np.where(mixed, source.integers(1, max(levels, 2), size), levels)
        from_fine = torch.from_numpy(np.arange(levels) >= start[:, :, None])
        return torch.where(shard(from_fine).to(self.device)[..., None], fine, coarse)

    def _real(self, step: int, stage: Stage) -> Tensor:
        """Real images at the stage's resolution: random squares of what is given."""
        config, count = self.config, stage.batch_size
        batch = real_images(
            self.images,
            range(stage.first_image, stage.first_image + count),
            step=step,
            seed=config.seed,
            flips=config.flips,
        )
        source = random_numbers(seed=config.seed, index=step, stream=_CROPS)
        spare = config.real_side - config.resolution
        corners = torch.from_numpy(shard(source.integers(0, spare + 1, (count, 2))))
        squares = cut_squares(batch, corners, config.resolution)
        return F.avg_pool2d(squares, config.resolution // stage.resolution).to(self.device)

    def _train_discriminator(self, step: int, stage: Stage, fake: Tensor) -> dict[str, Tensor]:
        config, real = self.config, self._real(step, stage)

        def score(images: Tensor) -> Tensor:
            scores: Tensor = self.discriminator(images, stage.level, stage.fade)
            return scores.float()

        source = random_numbers(seed=config.seed, index=step, stream=_MIX)
        mix = torch.from_numpy(source.random((stage.batch_size, 1, 1, 1), dtype=np.float32))
        on_real, on_fake = score(real), score(fake)
        penalty = gradient_penalty(score, real, fake.float(), shard(mix).to(self.device))
        loss = loss_on_real(on_real, config.drift) + on_fake.mean()
        self.discriminator_optimiser.zero_grad()
        (loss + config.gradient_penalty * penalty).backward()  # type: ignore[no-untyped-call]
        average_gradients(self.discriminator.parameters())
        self.discriminator_optimiser.step()
        return {
            "loss_d": loss,
            "penalty": penalty,
            "score_real": on_real.mean(),
            "score_fake": on_fake.mean(),
        }

    def _train_generator(self, stage: Stage, fake: Tensor, alpha: Tensor) -> dict[str, Tensor]:
        config, alpha = self.config, alpha.float()
        with gradients_pass(self.discriminator):
            adversarial = -self.discriminator(fake, stage.level, stage.fade).float().mean()
            masks = mask_loss(
                alpha,
                coverage=config.coverage,
                coverage_weight=config.coverage_weight,
                binary=config.binarisation,
            )
            self.generator_optimiser.zero_grad()
            (adversarial + masks).backward()
        average_gradients(self.generator.parameters())
        self.generator_optimiser.step()
        return {"loss_g": adversarial, "loss_masks": masks, "coverage": alpha.mean()}

    @torch.no_grad()
    def _average(self) -> None:
        torch._foreach_lerp_(
            list(self.average.parameters()),
            list(self.generator.parameters()),
            1 - self.config.ema_decay,
        )

    def _watch(self, figures: Mapping[str, float]) -> None:
        """Count the steps in a row in which the masks said nothing."""
        low, high = _COVERED
        says_something = low <= figures["coverage"] <= high
        self.collapsed_steps = 0 if says_something else self.collapsed_steps + 1

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Stop a run whose masks have said nothing for too many steps, or say nothing at its end.

        Raises:
            TrainingError: Masks are empty or full; the message says what helps.
        """
        coverage = means["coverage"]
        low, high = _COVERED
        ends_so = last and not low <= coverage <= high
        if self.collapsed_steps < self.config.collapse_steps and not ends_so:
            return
        if coverage > 0.5:
            raise TrainingError(
                f"Masks have covered the whole image (mean {coverage:.2f}) for "
                f"{self.collapsed_steps} steps: the foreground alone paints everything. Raise "
                "`reach`, or lower `coverage_weight` or `coverage`."
            )
        raise TrainingError(
            f"Masks have been empty (mean {coverage:.2f}) for {self.collapsed_steps} steps: the "
            "background alone paints everything. Raise `contrast` or `coverage_weight`, or lower "
            "`reach` if objects of the real images have little room to move."
        )

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers and what has been counted."""
        return {
            "g": self.generator.state_dict(),
            "d": self.discriminator.state_dict(),
            "g_ema": self.average.state_dict(),
            "g_optimiser": self.generator_optimiser.state_dict(),
            "d_optimiser": self.discriminator_optimiser.state_dict(),
            "counts": [self.steps_done, self.collapsed_steps],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        self.generator.load_state_dict(state["g"])
        self.discriminator.load_state_dict(state["d"])
        self.average.load_state_dict(state["g_ema"])
        load_optimiser(self.generator_optimiser, state["g_optimiser"])
        load_optimiser(self.discriminator_optimiser, state["d_optimiser"])
        self.steps_done, self.collapsed_steps = (int(count) for count in state["counts"])

    def _last_stage(self) -> Stage:
        return self.schedule.at(max(self.steps_done - 1, 0))

    @torch.no_grad()
    def grid(self) -> Grid:
        """Composites, alpha, foregrounds and backgrounds of fixed samples.

        They are painted by the averaged generator at the latest resolution.
        """
        stage, config = self._last_stage(), self.config
        z = normal((_GRID, config.latent_width), seed=config.seed, index=0, stream=_GRID_Z)
        maps = noise_maps(
            config.architecture, stage.level, _GRID, seed=config.seed, index=0, stream=_GRID_NOISE
        )
        w = self.average.mapping(z.to(self.device))
        noise = [level.to(self.device) for level in maps]
        layers = self.average(w, noise, stage.level, stage.fade)
        grey = (layers.alpha * 2 - 1).expand(-1, 3, -1, -1)
        painted = {
            "composite": layers.composite,
            "alpha": grey,
            "foreground": layers.foreground,
            "background": layers.background,
        }
        return {name: to_bytes(images) for name, images in painted.items()}

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the averaged generator, the resolution it has reached and its mean latent."""
        path, stage = folder / EXPORT, self._last_stage()
        write_pseg(
            path,
            self.average,
            level=stage.level,
            fade=stage.fade,
            about=about(self, num_steps),
        )
        return [path]


def _check(config: PSegConfig, compute: Compute) -> None:
    count = num_processes()
    torn = [size for size in config.batch_sizes if size % count]
    if torn:
        raise InputError(
            f"A batch of {torn[0]} does not divide among {count} processes. Give multiples of "
            f"{count} with --set batch_sizes=N,N,…"
        )
    if compute.compiled:
        raise InputError("PSeg cannot be compiled, since its networks grow. Leave out --compile.")
