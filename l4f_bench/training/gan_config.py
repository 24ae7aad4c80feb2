"""Settings of StyleGAN2 training, and its presets."""

from __future__ import annotations

from dataclasses import dataclass, replace

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.ranges import check_ranges

_AT_LEAST = {
    **dict.fromkeys(("lr", "r1", "path_length", "ema_kimg", "ema_rampup"), 0),
    **dict.fromkeys(("channels", "discriminator_channels", "latent_width", "mapping_layers"), 1),
    **dict.fromkeys(("r1_every", "path_length_every", "resolution", "batch_size"), 1),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class GanConfig:
    """Everything that fixes the weights that StyleGAN2 training ends with."""

    resolution: int
    """Side of the images in pixels, a power of two."""
    channels: tuple[int, ...]
    """Feature channels of the generator at 4, 8, …, resolution pixels."""
    discriminator_channels: tuple[int, ...]
    """The same for the discriminator."""
    latent_width: int = 128
    """Width of z and w."""
    mapping_layers: int = 4
    """Layers between z and w."""
    batch_size: int = 32
    """Images a step, real ones and generated ones each."""
    lr: float = 0.0025
    """Learning rate of both networks."""
    r1: float = 0.1
    """Weight of the gradient penalty on real images."""
    r1_every: int = 16
    """Steps between penalties, whose weight grows by as much."""
    path_length: float = 0.0
    """Weight of the path length penalty; 0 leaves it out."""
    path_length_every: int = 4
    """Steps between penalties, whose weight grows by as much."""
    style_mixing: float = 0.9
    """Share of images whose coarse and fine layers get different latents, in [0, 1]."""
    flips: bool = True
    """Mirror half of the real images."""
    ema_kimg: float = 5.0
    """Thousands of images after which a weight counts half in the averaged generator."""
    ema_rampup: float = 0.05
    """At the beginning: that half-life as a share of the images seen."""
    seed: int = 0
    """Seed of weights, latents, noise, flips and the order of the data."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_ranges(self, at_least=_AT_LEAST, shares=("style_mixing",))
        if self.batch_size < 4 or self.batch_size % 4:
            raise InputError(
                f"A batch of {self.batch_size} does not divide into groups of 4. Give a multiple "
                "of 4."
            )


PRESETS: Presets[GanConfig] = Presets("stylegan2")
PRESETS.add(
    Preset(
        key="shapes",
        config=GanConfig(
            resolution=64,
            channels=(192, 128, 64, 32, 16),
            discriminator_channels=(128, 128, 64, 32, 16),
            batch_size=16,
            r1=0.1,
        ),
        num_steps=14_000,
        source="chosen here on the shapes world",
    )
)
PRESETS.add(
    Preset(
        key="debug",
        config=GanConfig(
            resolution=16,
            channels=(16, 12, 8),
            discriminator_channels=(16, 12, 8),
            latent_width=16,
            mapping_layers=2,
            batch_size=8,
            ema_kimg=0.1,
        ),
        num_steps=20,
        source="chosen here to train in seconds",
    )
)


def at_resolution(config: GanConfig, resolution: int) -> GanConfig:
    """The same for another image size: widths halve with every doubling, down to 16.

    The gradient penalty grows with the number of pixels.
    Source: StyleGAN2-ADA (NeurIPS 2020), appendix on hyperparameters, for the penalty.
    """
    return replace(
        config,
        resolution=resolution,
        channels=_widths(config.channels, resolution),
        discriminator_channels=_widths(config.discriminator_channels, resolution),
        r1=config.r1 * (resolution / config.resolution) ** 2,
    )


def _widths(channels: tuple[int, ...], resolution: int) -> tuple[int, ...]:
    widths = list(channels)
    while 4 << (len(widths) - 1) < resolution:
        widths.append(max(widths[-1] // 2, 16))
    return tuple(widths[: max(resolution.bit_length() - 2, 0)])
