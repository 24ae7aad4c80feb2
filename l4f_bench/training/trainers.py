"""What can be trained, by name; the code is imported when a trainer is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from l4f_bench.registry import Registry

OPTIONS = ("data", "strict", "generator", "alpha", "pairs", "compile", "levels")
"""Options of ``train`` that not every trainer takes; :class:`TrainRequest` has a field for each."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainerSpec:
    """One thing that can be trained."""

    name: str
    """Key on the command line."""
    title: str
    """What is trained."""
    build: str
    """``"module:object"``: a function that takes a ``TrainRequest`` and a function for one-line
    warnings, and returns a ``Job`` (:mod:`l4f_bench.training.jobs`)."""
    presets: str | None = None
    """``"module:object"``: its ``Presets`` (:mod:`l4f_bench.training.presets`), if any."""
    takes: tuple[str, ...] = ()
    """Those of :data:`OPTIONS` that it takes; the others are refused."""
    needs_images: bool = False
    """Whether ``--data`` must be given for a data set that is not drawn."""

    def __post_init__(self) -> None:
        unknown = set(self.takes) - set(OPTIONS)
        if unknown:
            raise ValueError(f"The trainer '{self.name}' takes unknown options: {unknown}.")


def _adopt(name: str, found: Any, reference: str) -> Any:
    """A spec of what an entry point names: a spec already, or the function that builds.

    What such a function takes is unknown, so it is given every option and must refuse by itself.
    """
    if isinstance(found, TrainerSpec) or not callable(found):
        return found
    return TrainerSpec(name=name, title=name, build=reference, takes=OPTIONS, needs_images=True)


TRAINERS: Registry[TrainerSpec] = Registry("trainer", group="l4f_bench.trainers", adopt=_adopt)
"""Ours, and those that installed packages offer: an entry point names a :class:`TrainerSpec`, or
the function that builds."""
TRAINERS.add(
    TrainerSpec(
        name="ours",
        title="alpha network of Labels4Free",
        build="l4f_bench.training.labels4free_job:build",
        presets="l4f_bench.training.labels4free_config:PRESETS",
        takes=("data", "strict", "generator", "compile", "levels"),
        needs_images=True,
    )
)
TRAINERS.add(
    TrainerSpec(
        name="stylegan2",
        title="StyleGAN2 generator",
        build="l4f_bench.training.stylegan2_job:build",
        presets="l4f_bench.training.gan_config:PRESETS",
        takes=("data", "strict", "compile"),
        needs_images=True,
    )
)
TRAINERS.add(
    TrainerSpec(
        name="bisenet",
        title="BiSeNet annotator, on exact masks",
        build="l4f_bench.training.segmentation_job:build_bisenet",
        presets="l4f_bench.training.bisenet_config:PRESETS",
    )
)
TRAINERS.add(
    TrainerSpec(
        name="ours-bisenet",
        title="BiSeNet student, on samples of ours",
        build="l4f_bench.training.segmentation_job:build_bisenet_student",
        presets="l4f_bench.training.bisenet_config:PRESETS",
        takes=("generator", "alpha", "pairs"),
    )
)
TRAINERS.add(
    TrainerSpec(
        name="unet",
        title="U-Net, on exact masks: a second judge",
        build="l4f_bench.training.segmentation_job:build_unet",
        presets="l4f_bench.training.unet_config:PRESETS",
    )
)
TRAINERS.add(
    TrainerSpec(
        name="ours-unet",
        title="U-Net student, on samples of ours",
        build="l4f_bench.training.segmentation_job:build_unet_student",
        presets="l4f_bench.training.unet_config:PRESETS",
        takes=("generator", "alpha", "pairs"),
    )
)
TRAINERS.add(
    TrainerSpec(
        name="psp",
        title="encoder of photographs for a generator",
        build="l4f_bench.training.psp_job:build",
        presets="l4f_bench.training.psp_config:PRESETS",
        takes=("data", "strict", "generator"),
    )
)
