"""Builds the training of an alpha network that a user asks for."""

from __future__ import annotations

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.generators.usual import generator_file
from l4f_bench.training.adversarial import group_warning
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.labels4free import Labels4FreeTrainer, identity_of, load_frozen
from l4f_bench.training.labels4free_config import PRESETS
from l4f_bench.training.settings import with_settings


def build(request: TrainRequest, warn: Warn) -> Job:
    """The training of an alpha network; see :func:`l4f_bench.training.jobs.build_job`."""
    preset = PRESETS.choose(request.dataset, request.preset)
    config, compute = with_settings(preset.config, request.settings), request.compute()
    frozen = load_frozen(
        request.generator or generator_file(request.dataset),
        with_discriminator=config.pretrained_discriminator,
    )
    size = frozen.network.architecture.size
    _check_size(request, size)
    images = request.open_images(size, config.seed, warn)
    trainer = Labels4FreeTrainer(config, frozen, images, compute)
    if (message := group_warning(config)) is not None:
        warn(message)
    return Job(trainer, identity_of(trainer), request.steps(preset.num_steps))


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
