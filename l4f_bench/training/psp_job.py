"""Builds the training of an encoder that a user asks for."""

from __future__ import annotations

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.loading import load_trained
from l4f_bench.generators.usual import generator_file
from l4f_bench.training.identity import identity_of
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.psp import PspTrainer
from l4f_bench.training.psp_config import PRESETS
from l4f_bench.training.settings import with_settings


def build(request: TrainRequest, warn: Warn) -> Job:
    """The training of an encoder; see :func:`l4f_bench.training.jobs.build_job`."""
    preset = PRESETS.choose(request.dataset, request.preset)
    config = with_settings(preset.config, request.settings)
    frozen = load_trained(request.generator or generator_file(request.dataset))
    size = frozen.network.architecture.size
    if request.resolution not in (None, size):
        raise InputError(
            f"This generator makes {size}-pixel images, not {request.resolution}. Leave out "
            "--resolution."
        )
    # A drawn world is at hand, but a generator of the user's may paint something else.
    its_own = request.generator is None and DATASETS.get(request.dataset).drawn
    photographs = None
    if request.data is not None or its_own:
        photographs = request.open_images(size, config.seed, warn)
    num_steps = request.steps(preset.num_steps)
    trainer = PspTrainer(config, frozen, photographs, request.compute(), num_steps=num_steps)
    # The learning rate of every step depends on how many there will be.
    return Job(trainer, identity_of("psp", trainer) | {"num_steps": num_steps}, num_steps)
