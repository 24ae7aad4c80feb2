"""Builds the training that a user asks for of an annotator, or of a student of ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.generators.usual import generator_file
from l4f_bench.methods.labels4free.loading import alpha_file, load_labels4free
from l4f_bench.training import bisenet_config, unet_config
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.identity import identity_of
from l4f_bench.training.jobs import Job, TrainRequest, Warn
from l4f_bench.training.labelled import LabelledImages, LabelledSamples, LabelledShapes
from l4f_bench.training.labelled_pairs import LabelledPairs
from l4f_bench.training.presets import Presets
from l4f_bench.training.segmentation import SegmentationTrainer
from l4f_bench.training.settings import with_settings
from l4f_bench.training.unet import UNetTrainer


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of network."""

    trainer: type[SegmentationTrainer[Any]]
    presets: Presets[Any]

    def annotator(self, request: TrainRequest) -> Job:
        """One on exact masks."""
        if not DATASETS.get(request.dataset).drawn:
            raise InputError(
                f"{request.method} learns from exact masks, which only shapes has. Leave out "
                "--dataset."
            )
        preset = self.presets.choose(request.dataset, request.preset)
        config = _with_request(preset.config, request)
        images = LabelledShapes(config.resolution, config.seed)
        return self._job(request, config, images, preset.num_steps, "annotator.safetensors")

    def student(self, request: TrainRequest, warn: Warn) -> Job:
        """One on pairs, or on samples of ours with their own masks (the paper's Table 4)."""
        preset = self.presets.choose(request.dataset, request.preset)
        config = _with_request(preset.config, request)
        if request.pairs is None:
            config, images = _samples(preset.config, request)
        else:
            images = _pairs(request.pairs, config, request, warn)
        return self._job(request, config, images, preset.num_steps, "student.safetensors")

    def _job(
        self,
        request: TrainRequest,
        config: Any,
        images: LabelledImages,
        usual_steps: int,
        export_name: str,
    ) -> Job:
        num_steps = request.steps(usual_steps)
        trainer = self.trainer(
            config, images, request.compute(), num_steps=num_steps, export_name=export_name
        )
        # The learning rate of every step depends on how many there will be.
        identity = identity_of(request.method, trainer) | {"num_steps": num_steps}
        return Job(trainer, identity, num_steps)


def _samples(preset: Any, request: TrainRequest) -> tuple[Any, LabelledImages]:
    """The settings for samples of ours, and these."""
    dataset = DATASETS.get(request.dataset)
    method, digests = load_labels4free(
        request.generator or generator_file(dataset.name),
        request.alpha or alpha_file(dataset.name),
        background=dataset.background,
        device=request.device,
    )
    size = method.generator.architecture.size
    config = _with_request(replace(preset, resolution=size), request)
    if config.resolution != size:
        raise InputError(
            f"The samples have {size} pixels, not {config.resolution}. Leave out the resolution."
        )
    digest = " ".join(digests.values())
    return config, LabelledSamples(
        method, threshold=dataset.threshold, seed=config.seed, digest=digest
    )


def _pairs(folder: Path, config: Any, request: TrainRequest, warn: Warn) -> LabelledImages:
    for option in ("generator", "alpha"):
        if getattr(request, option) is not None:
            raise InputError(f"--pairs come with their masks. Leave out --{option}.")
    return LabelledPairs(
        folder, config.resolution, config.seed, validation=config.validation, warn=warn
    )


def _with_request(config: Any, request: TrainRequest) -> Any:
    settings = list(request.settings)
    if request.resolution is not None:
        settings.append(f"resolution={request.resolution}")
    return with_settings(config, settings)


_BISENET = _Kind(BiSeNetTrainer, bisenet_config.PRESETS)
_UNET = _Kind(UNetTrainer, unet_config.PRESETS)


def build_bisenet(request: TrainRequest, warn: Warn) -> Job:
    """BiSeNet on exact masks; see :func:`l4f_bench.training.jobs.build_job`."""
    return _BISENET.annotator(request)


def build_bisenet_student(request: TrainRequest, warn: Warn) -> Job:
    """BiSeNet on samples of ours; see :func:`l4f_bench.training.jobs.build_job`."""
    return _BISENET.student(request, warn)


def build_unet(request: TrainRequest, warn: Warn) -> Job:
    """U-Net on exact masks; see :func:`l4f_bench.training.jobs.build_job`."""
    return _UNET.annotator(request)


def build_unet_student(request: TrainRequest, warn: Warn) -> Job:
    """U-Net on samples of ours; see :func:`l4f_bench.training.jobs.build_job`."""
    return _UNET.student(request, warn)
