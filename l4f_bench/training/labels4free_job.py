"""Builds the training of an alpha network that a user asks for."""

from __future__ import annotations

from dataclasses import replace

from l4f_bench.analysis.layer_study import recommended_levels
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.generators.usual import generator_file
from l4f_bench.training.adversarial import group_warning
from l4f_bench.training.compute import Compute
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.labels4free import (
    FrozenGenerator,
    Labels4FreeTrainer,
    identity_of,
    load_frozen,
)
from l4f_bench.training.labels4free_config import PRESETS, Labels4FreeConfig
from l4f_bench.training.settings import with_settings


def build(request: TrainRequest, warn: Warn) -> Job:
    """The training of an alpha network; see :func:`l4f_bench.training.jobs.build_job`."""
    preset = PRESETS.choose(request.dataset, request.preset)
    config, compute = with_settings(preset.config, _settings(request)), request.compute()
    frozen = load_frozen(
        request.generator or generator_file(request.dataset),
        with_discriminator=config.pretrained_discriminator,
    )
    size = frozen.network.architecture.size
    _check_size(request, size)
    images = request.open_images(size, config.seed, warn)
    why = {}
    if request.levels == "auto":
        config, why["levels_by"] = _with_levels(config, frozen, compute)
    trainer = Labels4FreeTrainer(config, frozen, images, compute)
    if (message := group_warning(config)) is not None:
        warn(message)
    return Job(trainer, identity_of(trainer) | why, request.steps(preset.num_steps))


def _settings(request: TrainRequest) -> tuple[str, ...]:
    """The settings that were asked for, those with an option of their own included."""
    if request.levels is None:
        return request.settings
    if any(text.startswith("levels=") for text in request.settings):
        raise InputError("--levels and --set levels=N say the same. Leave one out.")
    chosen = () if request.levels == "auto" else (f"levels={request.levels}",)
    return (*request.settings, *chosen)


def _with_levels(
    config: Labels4FreeConfig, frozen: FrozenGenerator, compute: Compute
) -> tuple[Labels4FreeConfig, str]:
    """The settings with as many levels as the generator's layers ask for, and why."""
    found = recommended_levels(
        frozen.network.to(compute.device),
        frozen.mean_latent.to(compute.device),
        truncation=config.truncation,
    )
    return replace(config, levels=found.levels), f"analyze layers: {found.reason}"


def _check_size(request: TrainRequest, size: int) -> None:
    """Refuse a generator of another size than the data set's, unless it was asked for."""
    dataset = DATASETS.get(request.dataset)
    expected = request.resolution or dataset.resolution
    if expected not in (None, size):
        whose = "--resolution says" if request.resolution else f"{dataset.title} has"
        raise InputError(
            f"This generator makes {size}-pixel images, but {whose} {expected}. If that is "
            f"intended, use --resolution {size}."
        )
