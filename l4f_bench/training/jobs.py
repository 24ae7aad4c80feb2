"""From what a user asks for to a trainer: presets, data and starting weights by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.generators.usual import generator_file
from l4f_bench.methods.labels4free.loading import alpha_file, load_labels4free
from l4f_bench.registry import installed, installed_names, unknown_name
from l4f_bench.training import (
    bisenet,
    bisenet_config,
    gan_config,
    labels4free,
    labels4free_config,
    stylegan2,
)
from l4f_bench.training.adversarial import AdversarialConfig, group_warning
from l4f_bench.training.bisenet_config import BiSeNetConfig
from l4f_bench.training.compute import Compute
from l4f_bench.training.identity import identity_of
from l4f_bench.training.images import RealImages, open_images
from l4f_bench.training.labelled import LabelledSamples, LabelledShapes
from l4f_bench.training.loop import Trainer
from l4f_bench.training.settings import with_settings

Warn = Callable[[str], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train, as asked for on the command line."""

    method: str
    dataset: str = "shapes"
    preset: str | None = None
    """None for ``shapes`` on shapes and ``paper`` elsewhere."""
    settings: tuple[str, ...] = ()
    """``NAME=VALUE`` on top of the preset."""
    num_steps: int | None = None
    """None for the preset's."""
    data: Path | None = None
    """Real images; None for the shapes world."""
    generator: Path | None = None
    """What the alpha network is trained on; None for the data set's own, if there is one."""
    alpha: Path | None = None
    """Whose masks a student learns; None for the data set's own, if there is one."""
    resolution: int | None = None
    """Side of the images; None for the preset's."""
    strict: bool = False
    """Refuse images that cannot be read."""
    device: str | None = None
    bf16: bool = False
    compiled: bool = False

    @property
    def preset_name(self) -> str:
        """The preset asked for, or the usual one."""
        usual = "shapes" if self.dataset == "shapes" or self.method == "stylegan2" else "paper"
        return self.preset or usual

    def compute(self) -> Compute:
        """Where and how to compute."""
        return Compute(device=choose_device(self.device), bf16=self.bf16, compiled=self.compiled)


@dataclass(frozen=True, slots=True)
class Job:
    """A trainer, ready to run."""

    trainer: Trainer
    identity: dict[str, Any]
    """What must be the same for a resumed run."""
    num_steps: int


def build_job(request: TrainRequest, warn: Warn) -> Job:
    """The trainer that a request asks for.

    Args:
        request: What to train.
        warn: Given one-line warnings.

    Raises:
        InputError: A name or setting is wrong, or files do not fit each other.
        MissingAssetError: Data or weights are missing; the message says how to get them.
    """
    others = installed_names(TRAINERS)
    if request.method not in (*JOBS, *others):
        raise InputError(unknown_name("method", request.method, [*JOBS, *others]))
    spec = DATASETS.get(request.dataset)
    taken = TAKEN.get(request.method)
    if taken is not None:
        refuse_unused(request, taken)
    needs_data = taken is None or "--data" in taken
    if needs_data and spec.name != "shapes" and request.data is None:
        raise MissingAssetError(
            f"The images of {spec.title} are not part of this package ({spec.source}). "
            "Give a folder of them with --data DIR."
        )
    build = JOBS.get(request.method) or installed(TRAINERS, request.method)
    job: Job = build(request, warn)
    return job


def refuse_unused(request: TrainRequest, taken: tuple[str, ...]) -> None:
    """Refuse what was asked for and would be ignored.

    Args:
        request: What to train.
        taken: Which options of :data:`TAKEN` the method has a use for.

    Raises:
        InputError: Another one is given, or ``--strict`` without images.
    """
    for option, field in _FIELDS.items():
        if getattr(request, field) and option not in taken:
            raise InputError(f"{request.method} has no use for {option}. Leave it out.")
    if request.strict and request.data is None:
        raise InputError("--strict is for images of --data. Give them, or leave it out.")


def _stylegan2(request: TrainRequest, warn: Warn) -> Job:
    config = gan_config.preset(request.preset_name)
    if request.resolution is not None:
        config = gan_config.at_resolution(config, request.resolution)
    config = with_settings(config, request.settings)
    images = _images(request, config.resolution, config.seed, warn)
    trainer = stylegan2.StyleGan2Trainer(config, images, request.compute())
    _warn_of_groups(config, warn)
    num_steps = _steps(request, gan_config.NUM_STEPS[request.preset_name])
    return Job(trainer, identity_of("stylegan2", trainer), num_steps)


def _labels4free(request: TrainRequest, warn: Warn) -> Job:
    preset = labels4free_config.preset(request.dataset, request.preset_name)
    config = with_settings(preset, request.settings)
    compute = request.compute()
    frozen = labels4free.load_frozen(
        request.generator or generator_file(request.dataset),
        with_discriminator=config.pretrained_discriminator,
    )
    size = frozen.network.architecture.size
    _check_size(request, size)
    images = _images(request, size, config.seed, warn)
    trainer = labels4free.Labels4FreeTrainer(config, frozen, images, compute)
    _warn_of_groups(config, warn)
    usual = labels4free_config.NUM_STEPS[request.dataset, request.preset_name]
    return Job(trainer, labels4free.identity_of(trainer), _steps(request, usual))


def _bisenet(request: TrainRequest, warn: Warn) -> Job:
    _refuse_unlabelled(request)
    config = _bisenet_config(request, bisenet_config.preset(request.preset_name))
    images = LabelledShapes(config.resolution, config.seed)
    trainer = bisenet.BiSeNetTrainer(config, images, request.compute())
    return Job(trainer, identity_of("bisenet", trainer), config.num_steps)


def _ours_bisenet(request: TrainRequest, warn: Warn) -> Job:
    """A student: BiSeNet on samples of ours with their own masks (the paper's Table 4)."""
    _refuse_unlabelled(request)
    preset = bisenet_config.preset(request.preset_name)
    _bisenet_config(request, preset)  # refuses what is wrong before anything is loaded
    spec = DATASETS.get(request.dataset)
    method, digests = load_labels4free(
        request.generator or generator_file(spec.name),
        request.alpha or alpha_file(spec.name),
        background=spec.background,
        device=request.device,
    )
    size = method.generator.architecture.size
    config = _bisenet_config(request, replace(preset, resolution=size))
    if config.resolution != size:
        raise InputError(
            f"The samples have {size} pixels, not {config.resolution}. Leave out the resolution."
        )
    images = LabelledSamples(
        method, threshold=spec.threshold, seed=config.seed, digest=" ".join(digests.values())
    )
    trainer = bisenet.BiSeNetTrainer(
        config, images, request.compute(), export_name="student.safetensors"
    )
    return Job(trainer, identity_of("ours-bisenet", trainer), config.num_steps)


def _refuse_unlabelled(request: TrainRequest) -> None:
    if request.dataset != "shapes":
        raise InputError(
            f"{request.method} trains on masks, which only shapes has. Leave out --dataset."
        )


def _bisenet_config(request: TrainRequest, preset: BiSeNetConfig) -> BiSeNetConfig:
    """A preset with what the request sets."""
    settings = list(request.settings)
    if request.num_steps is not None:  # over which the learning rate falls
        settings.append(f"num_steps={request.num_steps}")
    if request.resolution is not None:
        settings.append(f"resolution={request.resolution}")
    return with_settings(preset, settings)


JOBS: dict[str, Callable[[TrainRequest, Warn], Job]] = {
    "ours": _labels4free,
    "stylegan2": _stylegan2,
    "bisenet": _bisenet,
    "ours-bisenet": _ours_bisenet,
}
"""What can be trained, by name."""

TAKEN: dict[str, tuple[str, ...]] = {
    "ours": ("--data", "--strict", "--generator", "--compile"),
    "stylegan2": ("--data", "--strict", "--compile"),
    "bisenet": (),
    "ours-bisenet": ("--generator", "--alpha"),
}
"""Of the options that are not for every method, those that each takes."""

_FIELDS = {
    "--data": "data",
    "--strict": "strict",
    "--generator": "generator",
    "--alpha": "alpha",
    "--compile": "compiled",
}

TRAINERS = "l4f_bench.trainers"
"""Entry points of packages that train their own: functions like those of :data:`JOBS`."""


def _steps(request: TrainRequest, usual: int) -> int:
    return usual if request.num_steps is None else request.num_steps


def _images(request: TrainRequest, resolution: int, seed: int, warn: Warn) -> RealImages:
    return open_images(request.data, resolution, seed, strict=request.strict, warn=warn)


def _warn_of_groups(config: AdversarialConfig, warn: Warn) -> None:
    message = group_warning(config)
    if message is not None:
        warn(message)


def _check_size(request: TrainRequest, size: int) -> None:
    """Refuse a generator of another size than the data set's, unless it was asked for."""
    spec = DATASETS.get(request.dataset)
    if size != (request.resolution or spec.resolution):
        raise InputError(
            f"This generator paints {size} pixels where {request.resolution or spec.resolution} "
            f"are expected of {spec.title}. If that is meant, add --resolution {size}."
        )
