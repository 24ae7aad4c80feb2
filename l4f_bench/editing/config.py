"""What is edited, by which edits, and how the background is preserved: options of two commands."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from l4f_bench.editing.filling import filling
from l4f_bench.errors import InputError
from l4f_bench.evaluation.options import option
from l4f_bench.evaluation.ranges import check_count, check_fraction, check_sampling
from l4f_bench.registry import unknown_name

Meaning = Literal["step", "target"]
"""What a strength is: ``step``, how far to go, in units of the direction's standard deviation where
it has one; ``target``, the coordinate along it to arrive at, in the same units from its mean."""
MEANINGS: tuple[Meaning, ...] = ("step", "target")

DEFAULT_COMPONENTS, DEFAULT_STRENGTHS = 3, (-3.0, 3.0)
MAX_MARGIN = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class EditConfig:
    """Edits of some samples."""

    dataset: str = option("Data set: gives the defaults below", "shapes")
    edit: tuple[str, ...] = option(
        "FILE#2@0-3=-3,3: direction 2 of a file on rows 0 to 3 of w+, by -3 and by 3; or an "
        "attribute, age=50. May be repeated",
        (),
        usual="three SeFa directions by -3 and 3",
    )
    sequence: bool = option("Make each edit on the result of the one before", False)
    meaning: str = option(
        "What strengths are: step, how far; or target, where to along the direction",
        "step",
        names=("--strength-is",),
    )
    generator: Path | None = option("Checkpoint of the generator", usual="embedded, or cached")
    alpha: Path | None = option("Checkpoint of the alpha network", usual="embedded for shapes")
    latents: Path | None = option(
        "Latents to edit: the folder that project wrote; or .npy or .safetensors, w [N, w_dim] or "
        "w+ [N, L, w_dim]",
        usual="drawn from the seed",
    )
    flow: Path | None = option("StyleFlow's network, for attributes")
    attributes: Path | None = option(
        "What each sample shows, .npy [N, 17]: nine of lighting, then gender, glasses, yaw, pitch, "
        "baldness, beard, age, expression"
    )
    lights: Path | None = option(
        "Presets for --edit light#2=0.8, .npy [P, 9]: coefficients of lighting as in --attributes"
    )
    num_images: int = option("Number of samples", 100, names=("--num-images", "-n"))
    truncation: float = option("psi of drawn samples, 0 to 1", 0.7)
    seed: int = option("Seed of samples and intervals", 0)
    threshold: float = option("Alpha above which a pixel is of the object", 0.5)
    fill: str = option("What fills the background: telea or biharmonic", "telea")
    margin: int = option("Pixels around the object that are filled as well", 2)
    device: str | None = option("cpu, cuda, …", usual="a GPU if there is one")

    def __post_init__(self) -> None:
        check_count("--num-images", self.num_images, 1)
        check_sampling([self.truncation], self.seed)
        check_fraction("--threshold", self.threshold, below=1)
        filling(self.fill)
        if self.meaning not in MEANINGS:
            raise InputError(unknown_name("meaning of strengths", self.meaning, list(MEANINGS)))
        if not 0 <= self.margin <= MAX_MARGIN:
            raise InputError(f"--margin {self.margin} is out of range: use 0 to {MAX_MARGIN}.")
        if (self.flow is None) != (self.attributes is None):
            raise InputError("--flow and --attributes belong together. Give both, or neither.")
        if self.lights is not None and self.flow is None:
            raise InputError("--lights is for StyleFlow. Give its network with --flow FILE.")

    @property
    def strength_is(self) -> Meaning:
        """``meaning``, which is checked."""
        return "target" if self.meaning == "target" else "step"


@dataclass(frozen=True, kw_only=True, slots=True)
class FitConfig:
    """Directions to find."""

    by: str = option("sefa, factorisation (rosinality's SeFa), ganspace or boundary", "sefa")
    dataset: str = option("Data set: gives the generator", "shapes")
    generator: Path | None = option("Checkpoint of the generator", usual="embedded, or cached")
    layers: str | None = option("sefa: layers, and rows of w+, such as 0-3", usual="all")
    components: int | None = option("Directions to keep", usual="sefa 10, ganspace 80")
    samples: int | None = option("ganspace: samples to draw", usual="300,000; shapes 20,000")
    scores: Path | None = option(
        "boundary: what the latents show. A .csv with the columns index and score, of samples by "
        "--seed and --truncation; or .npy [N] for --latents"
    )
    latents: Path | None = option("boundary: latents w [N, w_dim], .npy or .safetensors")
    positive: Path | None = option(
        "boundary, instead of scores: folder of what shows it, by project; by sample, of whose "
        "images those count that are still there; or of images, with --encoder"
    )
    negative: Path | None = option("boundary: such a folder of what does not show it")
    encoder: Path | None = option("boundary: encoder of pSp or e4e, for folders of images")
    chosen: float | None = option(
        "boundary by scores: latents on each side, up to 1 as a part of all, above as a number",
        usual="0.02",
    )
    truncation: float = option("boundary: psi of the samples that were scored", 1.0)
    seed: int = option("Seed", 0)

    def __post_init__(self) -> None:
        known = ["sefa", "factorisation", "ganspace", "boundary"]
        if self.by not in known:
            raise InputError(unknown_name("way to fit", self.by, known))
        for name, takers in (
            ("layers", ("sefa",)),
            ("components", ("sefa", "factorisation", "ganspace")),
            ("samples", ("ganspace",)),
            ("scores", ("boundary",)),
            ("latents", ("boundary",)),
            ("positive", ("boundary",)),
            ("negative", ("boundary",)),
            ("encoder", ("boundary",)),
            ("chosen", ("boundary",)),
        ):
            if getattr(self, name) is not None and self.by not in takers:
                raise InputError(f"--{name} belongs to --by {' or '.join(takers)}. Leave it out.")
        check_count("--components", self.components, 1)
        check_count("--samples", self.samples, 1)
        check_sampling([self.truncation], self.seed)
        if self.chosen is not None and not (math.isfinite(self.chosen) and self.chosen > 0):
            raise InputError(f"--chosen {self.chosen:g} is out of range: use more than 0.")
        if self.by == "boundary":
            self._check_labels()

    def _check_labels(self) -> None:
        """Refuse labels that are missing, or said twice."""
        if (self.positive is None) != (self.negative is None):
            raise InputError("--positive and --negative belong together. Give both folders.")
        if self.positive is None:
            if self.scores is None:
                raise InputError(
                    "--by boundary needs labels: --scores FILE, or --positive and --negative DIR."
                )
            if self.encoder is not None:
                raise InputError("--encoder belongs to --positive and --negative. Leave it out.")
            return
        for name in ("scores", "latents", "chosen"):
            if getattr(self, name) is not None:
                raise InputError(f"--{name} says nothing beside --positive. Leave one of them out.")
