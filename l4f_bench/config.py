"""Configurations of the commands: frozen, checked on construction, written into records."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed


def to_json(config: Any) -> dict[str, Any]:
    """A configuration as JSON data; paths are kept as they were given."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return plain


def _check_sampling(truncation: float, threshold: float) -> None:
    if not 0 <= truncation <= 1:
        raise InputError(f"--truncation {truncation:g} is outside of 0 to 1.")
    if not 0 <= threshold < 1:
        raise InputError(f"--threshold {threshold:g} is outside of 0 to below 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class CountConfig:
    """How two folders of masks become pixel counts."""

    level: int = 128
    """Grey level (8-bit scale) from which a pixel is foreground, 1 to 255."""
    invert: bool = False
    """Predictions are black on the object: turn them round before anything else."""
    ignore_bars: bool = False
    """Leave out rows that are pure black in the image (letterbox bars)."""
    ignore_level: int | None = None
    """Level of the true masks, 0 to 255, whose pixels are left out (rims, voids)."""
    workers: int | None = None
    """Threads that decode and count; None takes one per CPU core."""
    limit: int | None = None
    """Use the first pairs only, in natural order."""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 255:
            raise InputError(f"--level {self.level} is no grey level. Give 1 to 255.")
        if self.ignore_level is not None and not 0 <= self.ignore_level <= 255:
            raise InputError(f"--ignore-level {self.ignore_level} is no level. Give 0 to 255.")
        for option, value in (("--workers", self.workers), ("--limit", self.limit)):
            if value is not None and value < 1:
                raise InputError(f"{option} {value} is too small. Give 1 or more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorConfig:
    """What makes the pseudo ground truth, and which images it accepts."""

    name: str
    """Key of the annotator."""
    weights: Path | None = None
    """Its checkpoint; None takes an embedded or cached one."""
    target_class: str | None = None
    """Class of COCO that exactly one object must have; None for annotators without classes."""
    min_score: float = 0.5
    """Objects count if they score more than this, 0 to 1; for annotators with classes."""
    min_area: float = 0.0
    """Part of the image, 0 to 1, that the foreground of an accepted one covers at least."""
    foreground: tuple[str, ...] = ()
    """Classes of BiSeNet that are foreground; none for all but the background."""
    screen: AnnotatorConfig | None = None
    """A detector that must accept an image as well; it gives no masks."""

    def __post_init__(self) -> None:
        for option, value in (("--min-score", self.min_score), ("--min-area", self.min_area)):
            if not 0 <= value <= 1:
                raise InputError(f"{option} {value:g} is outside of 0 to 1.")


@dataclass(frozen=True, kw_only=True, slots=True)
class SampledConfig:
    """Samples of a generative method, compared with pseudo ground truth."""

    generator: Path | None = None
    """Checkpoint of the generator; None takes the published one from the cache."""
    alpha: Path | None = None
    """Checkpoint of the alpha network."""
    annotator: AnnotatorConfig | None = None
    """What makes the pseudo ground truth; None for the data set's usual."""
    truncation: float = 1.0
    """psi in [0, 1] of the foreground."""
    threshold: float = 0.9
    """Alpha above which a pixel is foreground, in [0, 1)."""
    num_images: int = 1000
    """Accepted samples to score."""
    max_drawn: int = 10_000
    """Samples after which drawing stops, however few were accepted."""
    batch_size: int | None = None
    """Samples at a time; None takes what fits the device."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""

    def __post_init__(self) -> None:
        _check_sampling(self.truncation, self.threshold)
        if not 1 <= self.num_images <= self.max_drawn:
            raise InputError(
                f"--samples {self.num_images} of at most --max-drawn {self.max_drawn} is not "
                "possible. Give 1 or more, and a maximum that is not smaller."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class RealConfig:
    """Images with exact masks, segmented by an image method."""

    annotator: AnnotatorConfig | None = None
    """The annotator that is scored, or that says what is accepted; None for the usual one."""
    student: Path | None = None
    """Checkpoint of the student; None takes the embedded one."""
    truth: str = "exact"
    """What counts as true: ``exact`` masks, or the ``annotator``'s."""
    subset: str = "all"
    """Which images count: ``all``, those that the annotator ``accepted``, or ``rejected``."""
    num_images: int = 1000
    """Images to draw."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""

    def __post_init__(self) -> None:
        if self.num_images < 1:
            raise InputError(f"--samples {self.num_images} is too small. Give 1 or more.")
        assert self.truth in ("exact", "annotator"), self.truth
        assert self.subset in ("all", "accepted", "rejected"), self.subset


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDistanceConfig:
    """How two sets of images are compared by their features."""

    features: str = "inception"
    """Key of the feature extractor."""
    weights: Path | None = None
    """Its file; None takes the published one from the cache."""
    resize: str = "bilinear"
    """How images come to the extractor's size."""
    divisor: str = "n-1"
    """What the scatter is divided by: ``n-1`` or ``n``."""
    samples: int = 50_000
    """Images to draw from a generator."""
    truncation: float = 1.0
    """psi in [0, 1] of a generator."""
    seed: int = 0
    """Seed of a generator's images and of the subsets of the kernel distance."""
    kernel: bool = False
    """Also the kernel distance."""
    precision_recall: bool = False
    """Also precision and recall."""
    allow_small_n: bool = False
    """Compare even fewer images than the distance is fit for."""
    batch_size: int | None = None
    """Images at a time; None for 16 on a CPU and 64 on a GPU."""
    workers: int | None = None
    """Threads that decode; None takes one per CPU core."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""

    def __post_init__(self) -> None:
        _check_sampling(self.truncation, 0)
        check_seed(self.seed)
        workers = 1 if self.workers is None else self.workers
        for option, value, least in (
            ("--samples", self.samples, 2),
            ("--workers", workers, 1),
        ):
            if value < least:
                raise InputError(f"{option} {value} is too small. Give {least} or more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityConfig:
    """How good a method's images are, masks aside: their distance from real ones."""

    generator: Path | None = None
    """Checkpoint; None takes an embedded or cached one."""
    distance: FeatureDistanceConfig = FeatureDistanceConfig()
    """Features, and which samples; its seed is replaced by the evaluation's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    """One evaluation: a method on a data set in a setting, scored under a protocol."""

    method: str
    """Key of the method, as in the published tables."""
    dataset: str
    """Key of the data set."""
    setting: str = "custom"
    """What is evaluated: ``custom`` compares with the paper's hand-drawn masks (Table 3),
    ``sampled`` a method's own samples with pseudo ground truth (Tables 1 and 2), ``real`` images
    with exact masks, ``quality`` a method's images with real ones (Table 5)."""
    protocol: str = "l4f"
    """Key of the protocol."""
    data_dir: Path | None = None
    """Root of the custom set, or in the setting ``quality`` the real images or their statistics."""
    masks_dir: Path | None = None
    """Predicted masks; None takes the published ones that lie beside the data."""
    count: CountConfig = CountConfig()
    """How masks are read and counted, in the setting ``custom``."""
    sampled: SampledConfig | None = None
    """What is sampled, in the setting ``sampled``; None for its defaults, or another setting."""
    real: RealConfig | None = None
    """What is segmented, in the setting ``real``; None for its defaults, or another setting."""
    quality: QualityConfig | None = None
    """How images are compared, in the setting ``quality``; None for its defaults, or another."""
    seed: int = 0
    """Seed of the samples and of the bootstrap, 0 or more."""

    def __post_init__(self) -> None:
        check_seed(self.seed)


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleConfig:
    """A folder of samples: which files make them, and which samples."""

    dataset: str
    """Key of the data set, which gives the defaults of ``background`` and ``threshold``."""
    method: str = "ours"
    """Key of the method."""
    generator: Path | None = None
    """Checkpoint of the generator; None takes an embedded or cached one."""
    alpha: Path | None = None
    """Checkpoint of the alpha network of ours; None takes the embedded one."""
    num_images: int
    """Samples 0 to num_images - 1 are made."""
    truncation: float = 1.0
    """psi in [0, 1] of the foreground."""
    seed: int = 0
    """Seed of the set."""
    threshold: float = 0.9
    """Alpha above which a pixel of the mask is foreground, in [0, 1)."""
    background: str | None = None
    """Of ours ``first-conv`` or ``constant``: how the generator paints backgrounds."""
    alpha16: bool = False
    """Also write alpha with 16 bits."""

    def __post_init__(self) -> None:
        if self.num_images < 1:
            raise InputError(f"-n {self.num_images} is too small. Give 1 or more.")
        _check_sampling(self.truncation, self.threshold)
        check_seed(self.seed)
