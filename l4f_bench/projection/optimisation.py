"""Projection by optimisation: the latent and noise maps whose picture is nearest to a photograph.

Source: StyleGAN2 (CVPR 2020), appendix D; steps and weights of both public projectors.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.projection.frames import Frame
from l4f_bench.projection.losses import USUAL, NamedLoss
from l4f_bench.projection.schedule import (
    LatentStatistics,
    latent_noise,
    learning_rate,
    noise_regulariser,
    normalise_noise,
)
from l4f_bench.registry import unknown_name
from l4f_bench.seeds import check_seed, normal

_COMPARED_SIDE = 256  # larger pictures are pooled to about this width, as in the public projectors
_LATENTS_AT_ONCE = 1000
_MAPS, _DRAWS, _LATENTS = 1, 2, 3  # streams of random numbers

Space = Literal["w", "w+"]
Precision = Literal["double", "single"]
PRECISIONS: dict[str, torch.dtype] = {"double": torch.float64, "single": torch.float32}


@dataclass(frozen=True, kw_only=True, slots=True)
class OptimisationConfig:
    """How to search; the defaults are the published ones but for the loss."""

    space: Space = "w+"
    """One latent for all layers, or one for each."""
    losses: tuple[str, ...] = USUAL
    """Measures of the distance from the photograph, added up."""
    num_steps: int = 1000
    lr: float = 0.1
    """Highest learning rate."""
    noise: float = 0.05
    """Strength of the noise on latents at the beginning, as a share of their spread."""
    noise_ramp: float = 0.75
    """Share of the steps after which that noise is gone."""
    noise_weight: float = 1e5
    """Weight of what keeps noise maps from holding the picture."""
    num_latents: int = 10_000
    """Latents that the mean and the spread are of."""
    precision: Precision = "double"
    """What the search computes in. Adam turns the rounding of small gradients into steps, and steps
    move activations over the kink of the leaky ReLU: in float32 two machines part after a few
    steps, to pictures as good. ``single`` takes a third of the time on CPUs, less on most GPUs."""
    seed: int = 0
    """Seed of everything random; the same for every photograph."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        if self.space not in ("w", "w+"):
            raise InputError(f"The space {self.space!r:.20} is none. Give w or w+.")
        if self.precision not in PRECISIONS:
            raise InputError(unknown_name("precision", self.precision, list(PRECISIONS)))
        for name in ("num_steps", "num_latents"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)} is too small. Give 1 or more.")
        if not (0 < self.lr < 1e6 and 0 <= self.noise < 1e6 and 0 <= self.noise_weight < 1e12):
            raise InputError("lr, noise or noise_weight is out of range. Leave them at the usual.")
        if not 0 < self.noise_ramp <= 1:
            raise InputError(f"noise_ramp {self.noise_ramp:g} is out of range: use 0 to 1.")

    @property
    def dtype(self) -> torch.dtype:
        """What the search computes in."""
        return PRECISIONS[self.precision]


@dataclass(frozen=True, slots=True)
class StepFigures:
    """What a step was done with, before its update."""

    lr: float
    noise: float
    """Strength of the noise on latents."""
    regulariser: float
    """Of the noise maps, without its weight."""
    loss: float
    """Distance from the photographs."""


class LatentSearch:
    """A latent and noise maps a photograph, on their way, in the precision of the search."""

    def __init__(
        self,
        generator: Generator,
        targets: Tensor,
        statistics: LatentStatistics,
        loss: NamedLoss,
        config: OptimisationConfig,
        *,
        maps: list[Tensor],
        frame: Frame | None = None,
    ) -> None:
        """Begin at the mean latent.

        Args:
            generator: In eval mode, on the device to compute on; copied if of another precision.
            targets: Float ``[N, 3, h, w]`` in [-1, 1]: pictures at the generator's size.
            statistics: Of its latents.
            loss: The distance to make small.
            config: How to search.
            maps: Noise maps to begin with, ``[N, 1, H, W]`` for each layer.
            frame: Where the picture is in the generator's images; None for all of them.
        """
        self.generator, self.loss, self.config = in_precision(generator, config), loss, config
        self.frame, self.std = frame, statistics.std.to(config.dtype)
        self.targets = self._compared(targets.to(config.dtype))
        rows = (generator.architecture.num_latents,) if config.space == "w+" else ()
        start = statistics.mean.expand(len(targets), *rows, -1)
        self.latent = _searched(start, config)
        self.maps = [_searched(noise, config) for noise in maps]
        self.optimiser = torch.optim.Adam([self.latent, *self.maps], lr=config.lr)

    def step(self, number: int, draw: Tensor) -> StepFigures:
        """Do step ``number``, from 0.

        Args:
            number: How many steps were done before.
            draw: Standard normal numbers of the latent's shape.
        """
        config = self.config
        t = number / config.num_steps
        rate = learning_rate(t, config.lr)
        self.optimiser.param_groups[0]["lr"] = rate
        strength = self.std * config.noise * latent_noise(t, config.noise_ramp)
        moved = self.latent + draw.to(self.latent) * strength
        image = self.generator.synthesis(moved, noise=self.maps)
        picture = image if self.frame is None else self.frame.picture(image)
        distance = self.loss(self._compared(picture), self.targets)
        regulariser = noise_regulariser(self.maps)
        self.optimiser.zero_grad()
        total = distance + config.noise_weight * regulariser
        total.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        normalise_noise(self.maps)
        losses = (float(value.detach()) for value in (regulariser, distance))
        return StepFigures(rate, float(strength), *losses)

    @staticmethod
    def _compared(images: Tensor) -> Tensor:
        """Images pooled to about 256 pixels a row, if they are larger."""
        factor = images.shape[3] // _COMPARED_SIDE
        return F.avg_pool2d(images, factor) if factor > 1 else images


def in_precision(generator: Generator, config: OptimisationConfig) -> Generator:
    """The generator itself, or a copy of it in the precision of a search."""
    if generator.input.input.dtype == config.dtype:
        return generator
    return copy.deepcopy(generator).to(config.dtype).requires_grad_(False)


@torch.no_grad()
def latent_statistics(generator: Generator, config: OptimisationConfig) -> LatentStatistics:
    """Mean and spread of a generator's w, from latents that the seed fixes."""
    width = generator.architecture.z_dim
    z = normal((config.num_latents, width), seed=config.seed, index=0, stream=_LATENTS)
    like = generator.input.input
    return LatentStatistics.of(
        torch.cat([generator.mapping(part.to(like)) for part in torch.split(z, _LATENTS_AT_ONCE)])
    )


def first_maps(generator: Generator, num_images: int, seed: int) -> list[Tensor]:
    """Noise maps to begin with, one ``[N, 1, H, W]`` a layer; those of every image are equal."""
    maps = []
    for layer in range(generator.architecture.num_layers):
        shape = (1, 1, *[generator.layer_resolution(layer)] * 2)
        noise = normal(shape, seed=seed, index=layer, stream=_MAPS)
        maps.append(noise.expand(num_images, -1, -1, -1).to(generator.input.input))
    return maps


def draws(search: LatentSearch) -> Iterable[Tensor]:
    """The noise of every step, equal for all images."""
    config = search.config
    shape = (1, *search.latent.shape[1:])
    for step in range(config.num_steps):
        yield normal(shape, seed=config.seed, index=step, stream=_DRAWS).to(search.latent)


def _searched(start: Tensor, config: OptimisationConfig) -> Tensor:
    return start.detach().to(config.dtype).clone().requires_grad_()
