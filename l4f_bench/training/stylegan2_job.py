"""Builds the StyleGAN2 training that a user asks for."""

from __future__ import annotations

from l4f_bench.training.adversarial import group_warning
from l4f_bench.training.gan_config import PRESETS, at_resolution
from l4f_bench.training.identity import identity_of
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.settings import with_settings
from l4f_bench.training.stylegan2 import StyleGan2Trainer


def build(request: TrainRequest, warn: Warn) -> Job:
    """The training of a generator; see :func:`l4f_bench.training.jobs.build_job`."""
    preset = PRESETS.choose(request.dataset, request.preset)
    config = preset.config
    if request.resolution is not None:
        config = at_resolution(config, request.resolution)
    config = with_settings(config, request.settings)
    images = request.open_images(config.resolution, config.seed, warn)
    trainer = StyleGan2Trainer(config, images, request.compute())
    if (message := group_warning(config)) is not None:
        warn(message)
    return Job(trainer, identity_of("stylegan2", trainer), request.steps(preset.num_steps))
