"""The smallest trainers whose every part does something."""

from __future__ import annotations

from dataclasses import replace

from l4f_bench.training.compute import PLAIN, Compute
from l4f_bench.training.gan_config import PRESETS as GAN_PRESETS
from l4f_bench.training.gan_config import GanConfig
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.labels4free import FrozenGenerator, Labels4FreeTrainer
from l4f_bench.training.labels4free_config import PRESETS, Labels4FreeConfig
from l4f_bench.training.stylegan2 import StyleGan2Trainer
from tests.networks import small_generator

LABELS4FREE = replace(PRESETS.get("shapes/debug").config, batch_size=4)
STYLEGAN2 = replace(
    GAN_PRESETS.get("debug").config,
    resolution=8,
    channels=(8, 6),
    discriminator_channels=(8, 6),
    path_length=2.0,
    batch_size=4,
    r1_every=3,
)


def labels4free(
    config: Labels4FreeConfig = LABELS4FREE, compute: Compute = PLAIN, **frozen: object
) -> Labels4FreeTrainer:
    """A trainer on an untrained generator of 32 pixels."""
    network = small_generator()
    generator = FrozenGenerator(network, network.mean_latent(64), sha256="none", **frozen)  # type: ignore[arg-type]
    return Labels4FreeTrainer(config, generator, ShapesImages(32, 0), compute)


def stylegan2(config: GanConfig = STYLEGAN2, compute: Compute = PLAIN) -> StyleGan2Trainer:
    """A trainer on the shapes world."""
    return StyleGan2Trainer(config, ShapesImages(config.resolution, config.seed), compute)
