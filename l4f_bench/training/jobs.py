"""From what a user asks for to a trainer that is ready to run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.errors import BenchError, InputError, MissingAssetError
from l4f_bench.registry import OURS, capitalised, code_of_others, load_object
from l4f_bench.training.checked import CheckedTrainer
from l4f_bench.training.compute import Compute
from l4f_bench.training.images import RealImages, open_images
from l4f_bench.training.loop import Trainer
from l4f_bench.training.ranges import MOST
from l4f_bench.training.trainers import OPTIONS, TRAINERS, TrainerSpec

Warn = Callable[[str], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainRequest:
    """What to train, as asked for on the command line."""

    method: str
    """Key of the trainer."""
    dataset: str = "shapes"
    preset: str | None = None
    """None for the trainer's usual one."""
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
    pairs: Path | None = None
    """Images with masks that a student learns from; None for samples of ``generator``."""
    resolution: int | None = None
    """Side of the images; None for the preset's."""
    levels: str | None = None
    """Resolutions that an alpha network reads: a number, ``auto`` for what the analysis of the
    generator's layers recommends, or None for the preset's."""
    strict: bool = False
    """Refuse images that cannot be read."""
    device: str | None = None
    bf16: bool = False
    tf32: bool = False
    compile: bool = False

    def compute(self) -> Compute:
        """Where and how to compute."""
        return Compute(
            device=choose_device(self.device, tf32=self.tf32),
            bf16=self.bf16,
            tf32=self.tf32,
            compiled=self.compile,
        )

    def steps(self, usual: int) -> int:
        """Steps in all: those asked for, or the usual number."""
        return usual if self.num_steps is None else self.num_steps

    def open_images(self, resolution: int, seed: int, warn: Warn) -> RealImages:
        """The real images at a resolution; see :func:`l4f_bench.training.images.open_images`.

        Raises:
            BenchError: They disappeared while they were read.
        """
        images = open_images(self.data, resolution, seed, strict=self.strict, warn=warn)
        if self.data is not None and not self.data.exists():
            raise BenchError(
                f"{self.data} disappeared while its images were read. Bring it back, and start "
                "again."
            )
        return images


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
        InputError: A name or setting is wrong, an option is not for this trainer, or files do not
            fit each other.
        MissingAssetError: Data or weights are missing; the message says how to get them.
        MissingDependencyError: The trainer cannot be imported.

    A trainer of another package comes as a :class:`CheckedTrainer`.
    """
    spec, dataset = TRAINERS.get(request.method), DATASETS.get(request.dataset)
    what = f"the trainer '{spec.name}' of {TRAINERS.origin(spec.name)}"
    _refuse_options(request, spec)
    if spec.presets is not None:  # a wrong name is said before any images are asked for
        presets = load_object(spec.presets, what)
        with code_of_others(what):
            presets.choose(dataset.name, request.preset)
    if spec.needs_images and not dataset.drawn and request.data is None:
        raise MissingAssetError(
            f"The images of {dataset.title} are not part of this package ({dataset.source}). "
            "Give a folder of them with --data DIR."
        )
    build = load_object(spec.build, what)
    with code_of_others(what):
        job = build(request, warn)
    if not isinstance(job, Job):
        raise InputError(f"{capitalised(what)} breaks the contract of trainers: it builds no Job.")
    if TRAINERS.origin(spec.name) == OURS:
        return job
    return replace(job, trainer=CheckedTrainer(job.trainer, what))


def _refuse_options(request: TrainRequest, spec: TrainerSpec) -> None:
    """Refuse what was asked for and would be ignored, or is no size of an image."""
    most = MOST["resolution"]
    if request.resolution is not None and not 1 <= request.resolution <= most:
        raise InputError(f"--resolution {request.resolution} is out of range: use 1 to {most}.")
    for option in OPTIONS:
        if getattr(request, option) and option not in spec.takes:
            raise InputError(f"{spec.name} does not use --{option}. Leave it out.")
    if request.strict and request.data is None:
        raise InputError(
            "--strict applies only to the images of --data. Give them, or leave it out."
        )
