"""Presets of PSeg training, the published command's first."""

from __future__ import annotations

from l4f_bench.training.presets import Preset, Presets
from l4f_bench_baselines.pseg.architecture import PUBLIC_CHANNELS
from l4f_bench_baselines.pseg.config import PSegConfig
from l4f_bench_baselines.pseg.schedule import Schedule


def _preset(key: str, source: str, config: PSegConfig) -> Preset[PSegConfig]:
    num_steps = Schedule(config).num_steps
    return Preset(key=key, config=config, num_steps=num_steps, source=source)


PRESETS: Presets[PSegConfig] = Presets("pseg")
PRESETS.add(
    _preset(
        "paper",
        "the command in the README of adambielski/perturbed-seg, and its options' defaults",
        PSegConfig(
            channels=PUBLIC_CHANNELS[:6],
            batch_sizes=(256, 128, 64, 32, 32),
            phase_images=600_000,
            crop=1.125,
        ),
    )
)
# The perturbations of the paper, cut from larger images as there. At 8 pixels a shift is one pixel
# or none, and masks there come to split the image in halves: begin at 16.
PRESETS.add(
    _preset(
        "shapes",
        "the paper's perturbations, the rest chosen here on the shapes world",
        PSegConfig(
            channels=(128, 96, 64, 32, 16),
            batch_sizes=(32, 32, 32),
            phase_images=16_000,
            final_images=48_000,
            latent_width=128,
            mapping_layers=4,
            coverage=0.1,
            lr=0.002,
            crop=1.125,
            flips=True,
            ema_decay=0.998,
        ),
    )
)
PRESETS.add(
    _preset(
        "debug",
        "chosen here to train in seconds",
        PSegConfig(
            channels=(12, 8, 8),
            batch_sizes=(8, 4),
            phase_images=20,
            final_images=40,
            latent_width=16,
            mapping_layers=2,
            coverage=0.1,
            ema_decay=0.9,
        ),
    )
)
