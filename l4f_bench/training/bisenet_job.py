"""Builds the training of a BiSeNet that a user asks for: an annotator, or a student of ours."""

from __future__ import annotations

from dataclasses import replace

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.generators.usual import generator_file
from l4f_bench.methods.labels4free.loading import alpha_file, load_labels4free
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.bisenet_config import PRESETS, BiSeNetConfig
from l4f_bench.training.identity import identity_of
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.labelled import LabelledImages, LabelledSamples, LabelledShapes
from l4f_bench.training.settings import with_settings


def build_annotator(request: TrainRequest, warn: Warn) -> Job:
    """BiSeNet on exact masks; see :func:`l4f_bench.training.jobs.build_job`."""
    _refuse_unlabelled(request)
    preset = PRESETS.choose(request.dataset, request.preset)
    config = _with_request(preset.config, request)
    images = LabelledShapes(config.resolution, config.seed)
    return _job(request, config, images, preset.num_steps, "annotator.safetensors")


def build_student(request: TrainRequest, warn: Warn) -> Job:
    """BiSeNet on samples of ours with their own masks (the paper's Table 4).

    See :func:`l4f_bench.training.jobs.build_job`.
    """
    _refuse_unlabelled(request)
    preset = PRESETS.choose(request.dataset, request.preset)
    _with_request(preset.config, request)  # refuses what is wrong before anything is loaded
    dataset = DATASETS.get(request.dataset)
    method, digests = load_labels4free(
        request.generator or generator_file(dataset.name),
        request.alpha or alpha_file(dataset.name),
        background=dataset.background,
        device=request.device,
    )
    size = method.generator.architecture.size
    config = _with_request(replace(preset.config, resolution=size), request)
    if config.resolution != size:
        raise InputError(
            f"The samples have {size} pixels, not {config.resolution}. Leave out the resolution."
        )
    images = LabelledSamples(
        method, threshold=dataset.threshold, seed=config.seed, digest=" ".join(digests.values())
    )
    return _job(request, config, images, preset.num_steps, "student.safetensors")


def _refuse_unlabelled(request: TrainRequest) -> None:
    if not DATASETS.get(request.dataset).drawn:
        raise InputError(
            f"{request.method} learns from masks, which only shapes has. Leave out --dataset."
        )


def _with_request(config: BiSeNetConfig, request: TrainRequest) -> BiSeNetConfig:
    settings = list(request.settings)
    if request.resolution is not None:
        settings.append(f"resolution={request.resolution}")
    return with_settings(config, settings)


def _job(
    request: TrainRequest,
    config: BiSeNetConfig,
    images: LabelledImages,
    usual_steps: int,
    export_name: str,
) -> Job:
    num_steps = request.steps(usual_steps)
    trainer = BiSeNetTrainer(
        config, images, request.compute(), num_steps=num_steps, export_name=export_name
    )
    # The learning rate of every step depends on how many there will be.
    identity = identity_of(request.method, trainer) | {"num_steps": num_steps}
    return Job(trainer, identity, num_steps)
