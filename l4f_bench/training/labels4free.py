"""Labels4Free training: an alpha network against a weak discriminator, the generator frozen."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.devices import to_bytes
from l4f_bench.distributed import data_parallel, shard
from l4f_bench.errors import InputError, TrainingError
from l4f_bench.files.errors import CheckpointError
from l4f_bench.generators.architecture import DiscriminatorArchitecture
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.convert import write_checkpoint
from l4f_bench.generators.checkpoints.loading import (
    TrainedGenerator,
    load_discriminator,
    load_trained,
)
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.sampling import Draw, draw
from l4f_bench.generators.stylegan2 import BACKGROUND_MODES, Generator, truncate
from l4f_bench.methods.labels4free.alpha import AlphaNetwork, alpha_network
from l4f_bench.methods.labels4free.objective import (
    background_coverage,
    binarisation,
    composite,
    foreground_coverage,
)
from l4f_bench.seeds import TRAINING
from l4f_bench.training import identity
from l4f_bench.training.adversarial import (
    check_batch,
    gradients_pass,
    lazy_r1,
    mean_figures,
    real_batch,
    train_discriminator,
)
from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.grids import Grid
from l4f_bench.training.images import RealImages
from l4f_bench.training.labels4free_config import Labels4FreeConfig
from l4f_bench.training.states import load_optimiser

EXPORT = "alpha.safetensors"
_GRID = 8  # samples in the grid
# Lazy regularisation as in the released code: learning rate and betas are corrected for the share
# of steps that regularise, 1 of 16 for the discriminator and 1 of 4 for the other network.
_DISCRIMINATOR_RATIO, _ALPHA_RATIO = 16 / 17, 4 / 5
_COVERED, _UNSURE = (0.05, 0.95), 0.3  # beyond these a mask says nothing
_PROGRESS = 0.01  # surer by so much is on the way
_ELSEWHERE = "with --set, in another folder."


@dataclass(frozen=True, slots=True)
class FrozenGenerator(TrainedGenerator):
    """What the alpha network is trained on."""

    discriminator: Discriminator | None = None
    """The one it was trained against, for runs that start from it."""


def load_frozen(path: Path, *, with_discriminator: bool) -> FrozenGenerator:
    """The generator of a checkpoint, averaged if it holds one, and its discriminator if wanted.

    Raises:
        CheckpointError: The file cannot be read, or lacks a network.
    """
    found = load_trained(path)
    return FrozenGenerator(
        found.network,
        found.mean_latent,
        found.sha256,
        _discriminator(path) if with_discriminator else None,
    )


def _discriminator(path: Path) -> Discriminator:
    try:
        return load_discriminator(path)
    except CheckpointError as error:
        raise CheckpointError(
            f"{error} Or train a new discriminator, by --set pretrained_discriminator=false."
        ) from error


@dataclass(frozen=True, slots=True)
class _Batch:
    """Painted samples, float ``[N, C, H, W]``."""

    foreground: Tensor
    background: Tensor
    alpha: Tensor

    @property
    def composite(self) -> Tensor:
        return composite(self.foreground, self.background, self.alpha)


class _Painter(nn.Module):
    """Generator and alpha network as one pass, whose gradients reach the alpha network only."""

    def __init__(
        self,
        config: Labels4FreeConfig,
        generator: Generator,
        mean_latent: Tensor,
        alpha: AlphaNetwork,
    ) -> None:
        super().__init__()
        self.config, self.generator, self.alpha = config, generator, alpha
        self.mean_latent = mean_latent

    def forward(self, drawn: Draw, other: Draw) -> _Batch:
        """Paint foregrounds of ``drawn`` over backgrounds of ``other``."""
        config, generator = self.config, self.generator
        with torch.no_grad():
            # Both passes share one mapping, which is most of the work at small sizes.
            w, w_other = generator.mapping(torch.cat([drawn.z, other.z])).chunk(2)
            background = generator.synthesis(
                w if config.background_latent == "shared" else w_other,
                noise=other.noise,
                background=BACKGROUND_MODES[config.background_mode],
            )
            w = truncate(w, config.truncation, self.mean_latent)
        foreground, alpha = self.alpha.paint(generator, w, noise=drawn.noise)
        return _Batch(foreground, background, alpha)


class Labels4FreeTrainer:
    """Alpha network, its average, the discriminator and their optimisers."""

    def __init__(
        self,
        config: Labels4FreeConfig,
        generator: FrozenGenerator,
        images: RealImages,
        compute: Compute = PLAIN,
    ) -> None:
        """Build the networks to train.

        Raises:
            InputError: The generator is too small for the alpha network's levels, the pretrained
                discriminator is missing, or the processes cannot share a batch.
        """
        check_batch(config)
        self.config, self.images, self.compute = config, images, compute
        self.device = compute.device
        self.batch_size = config.batch_size
        self.frozen = generator
        self.generator = generator.network.to(self.device).eval().requires_grad_(False)
        compute.prepare(self.generator)
        widths = self.generator.architecture.channels[1:]
        if config.levels > len(widths):
            raise InputError(
                f"A generator of {self.generator.architecture.size} pixels has {len(widths)} "
                f"resolutions to read, not {config.levels}. Use --set levels={len(widths)}."
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.alpha = alpha_network(config.layout, widths[-config.levels :]).to(self.device)
            self.discriminator = self._new_discriminator().to(self.device)
        self.average = copy.deepcopy(self.alpha).eval().requires_grad_(False)
        self.painter: nn.Module = data_parallel(self._painter(self.alpha))
        self.judge = data_parallel(self.discriminator)
        self.alpha_optimiser = _adam(self.alpha, config.lr, _ALPHA_RATIO)
        self.discriminator_optimiser = _adam(self.discriminator, config.lr, _DISCRIMINATOR_RATIO)
        self.collapsed_steps = self.unsure_steps = 0
        self.least_unsure = 0.5

    def _painter(self, alpha: AlphaNetwork) -> _Painter:
        mean_latent = self.frozen.mean_latent.to(self.device)
        return _Painter(self.config, self.generator, mean_latent, alpha)

    def _new_discriminator(self) -> Discriminator:
        """A weak one from scratch (section 3.3 a), or the one from the checkpoint."""
        if not self.config.pretrained_discriminator:
            sizes = self.generator.architecture
            return Discriminator(
                DiscriminatorArchitecture(size=sizes.size, channels=sizes.channels)
            )
        if self.frozen.discriminator is None:
            raise InputError(
                "The generator's checkpoint holds no discriminator to start from. Use another, or "
                "--set pretrained_discriminator=false."
            )
        return copy.deepcopy(self.frozen.discriminator).requires_grad_(True)

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""
        return num_steps * self.batch_size

    def step(self, step: int) -> dict[str, float]:
        """Train both networks on one batch; the discriminator's is used again for alpha."""
        first = step * self.batch_size
        with self.compute.autocast():
            batch: _Batch = self.painter(*self._draw(shard(range(first, first + self.batch_size))))
            losses = train_discriminator(
                self.judge,
                self.discriminator_optimiser,
                real_batch(self.images, step, self.config).to(self.device),
                batch.composite.detach(),
                r1=lazy_r1(self.config, step),
                separate=self.config.r1_step == "separate",
            )
            losses |= self._train_alpha(batch)
        self._average()
        figures = mean_figures(losses)
        self._watch(figures)
        return figures

    def _train_alpha(self, batch: _Batch) -> dict[str, Tensor]:
        config, alpha = self.config, batch.alpha
        with gradients_pass(self.discriminator):
            adversarial = F.softplus(-self.discriminator(batch.composite)).mean()
            unsure = binarisation(alpha)
            loss = (
                config.adversarial * adversarial
                + config.binarisation * unsure
                + config.foreground * foreground_coverage(alpha, config.foreground_phi)
                + config.background * background_coverage(alpha, config.background_phi)
            )
            self.alpha_optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
        self.alpha_optimiser.step()
        return {"loss_alpha": loss, "coverage": alpha.mean(), "binarisation": unsure}

    def _draw(self, indices: range) -> tuple[Draw, Draw]:
        """Latents and noise of the foregrounds of ``indices``, and of their backgrounds."""
        sizes, seed = self.generator.architecture, TRAINING + self.config.seed
        foreground, background = (
            self._to_device(draw(sizes, indices, seed=seed, image=i)) for i in (0, 1)
        )
        return foreground, background

    def _to_device(self, drawn: Draw) -> Draw:
        return Draw(drawn.z.to(self.device), [noise.to(self.device) for noise in drawn.noise])

    @torch.no_grad()
    def _average(self) -> None:
        weight = 1 - 0.5 ** (1 / self.config.ema_steps)
        torch._foreach_lerp_(list(self.average.parameters()), list(self.alpha.parameters()), weight)

    def _watch(self, figures: Mapping[str, float]) -> None:
        """Count the steps in a row in which the masks said nothing."""
        low, high = _COVERED
        collapsed = not low <= figures["coverage"] <= high
        self.collapsed_steps = self.collapsed_steps + 1 if collapsed else 0
        unsure = figures["binarisation"] > _UNSURE
        self.unsure_steps = self.unsure_steps + 1 if unsure else 0

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Stop a run whose masks have said nothing for too many steps, or say nothing at its end.

        Masks that are neither 0 nor 1 are given time as long as they become surer.

        Raises:
            TrainingError: Masks are empty, full, or neither 0 nor 1; the message says what helps.
        """
        limit, coverage = self.config.collapse_steps, means["coverage"]
        low, high = _COVERED
        collapsed = self.collapsed_steps >= limit or (last and not low <= coverage <= high)
        if means["binarisation"] < self.least_unsure - _PROGRESS:
            self.least_unsure, self.unsure_steps = means["binarisation"], 0
        if collapsed and coverage > 0.5:
            raise TrainingError(
                f"Masks have covered the whole image (mean {coverage:.2f}) for "
                f"{self.collapsed_steps} steps. Raise the weight `background` of E(M) or its "
                f"`background_phi`, or lower `adversarial`, {_ELSEWHERE}"
            )
        if collapsed:
            raise TrainingError(
                f"Masks have been empty (mean {coverage:.2f}) for {self.collapsed_steps} steps. "
                f"Raise the weight `foreground` of C(M) or its `foreground_phi`, {_ELSEWHERE}"
            )
        if self.unsure_steps >= limit:
            raise TrainingError(
                f"Masks have been neither 0 nor 1 (mean distance {means['binarisation']:.2f}) for "
                f"{self.unsure_steps} steps. Raise the weight `binarisation` of B(M), or `lr`, "
                f"{_ELSEWHERE}"
            )

    def state_dict(self) -> dict[str, Any]:
        """Networks, optimisers and what the watch has counted."""
        return {
            "alpha": self.alpha.state_dict(),
            "alpha_ema": self.average.state_dict(),
            "d": self.discriminator.state_dict(),
            "alpha_optimiser": self.alpha_optimiser.state_dict(),
            "d_optimiser": self.discriminator_optimiser.state_dict(),
            "watch": [self.collapsed_steps, self.unsure_steps, self.least_unsure],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state of the same configuration."""
        self.alpha.load_state_dict(state["alpha"])
        self.average.load_state_dict(state["alpha_ema"])
        self.discriminator.load_state_dict(state["d"])
        load_optimiser(self.alpha_optimiser, state["alpha_optimiser"])
        load_optimiser(self.discriminator_optimiser, state["d_optimiser"])
        collapsed, unsure, least = state["watch"]
        self.collapsed_steps, self.unsure_steps = int(collapsed), int(unsure)
        self.least_unsure = float(least)

    @torch.no_grad()
    def grid(self) -> Grid:
        """Images, alpha, backgrounds and composites of fixed samples."""
        batch: _Batch = self._painter(self.average)(*self._draw(range(_GRID)))
        grey = (batch.alpha * 2 - 1).expand(-1, 3, -1, -1)
        layers = {
            "image": batch.foreground,
            "alpha": grey,
            "background": batch.background,
            "composite": batch.composite,
        }
        return {name: to_bytes(images) for name, images in layers.items()}

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the averaged alpha network, and the live one beside it."""
        path = folder / EXPORT
        networks = {"alpha": self.average.state_dict(), "alpha_train": self.alpha.state_dict()}
        write_checkpoint(
            path,
            Checkpoint(
                format="l4f-bench",
                networks={
                    name: {key: value.cpu() for key, value in state.items()}
                    for name, state in networks.items()
                },
                metadata=identity.about(self, num_steps) | {"generator_sha256": self.frozen.sha256},
            ),
        )
        return [path]


def identity_of(trainer: Labels4FreeTrainer) -> dict[str, Any]:
    """What must be the same for a resumed run."""
    generator = {"generator_sha256": trainer.frozen.sha256}
    return identity.identity_of("ours", trainer) | generator


def _adam(network: nn.Module, lr: float, ratio: float) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=lr * ratio, betas=(0.0, 0.99**ratio))
