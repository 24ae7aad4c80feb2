"""The data sets, ours and those that installed packages offer."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSpec:
    """Everything known about one data set."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""
    resolution: int
    """Side of its images and of the published generators' samples, in pixels."""
    images: str | None = None
    """``"module:object"`` that opens its images, as :mod:`l4f_bench.datasets.image_set` says; None
    where there are only samples."""
    drawn: bool = False
    """Whether its images are drawn by code when they are asked for, so that none need be given."""
    folder: str | None = None
    """Its folder in the layout of the paper's custom set (appendix C)."""
    target_class: str | None = None
    """COCO's class of its object, for annotators that find objects of many classes."""
    background: str = "first-conv"
    """How the released code turns this data set's generator into one of backgrounds."""
    annotator: str | None = None
    """What makes the pseudo ground truth of its samples; None where nothing here does."""
    generator_weights: str | None = None
    """Name of its generator among the weights that can be fetched or are embedded."""
    alpha_weights: str | None = None
    """Name of its alpha network among the embedded weights; None where a file must be given."""
    annotator_weights: str | None = None
    """Name of weights of its own for the annotator; None for the annotator's usual ones."""
    student_weights: str | None = None
    """Name of its student of ours among the embedded weights; None where a file must be given."""
    letterbox: float = 0.0
    """Height of the black bars above and below its pictures, as a part of the image's."""
    min_area: float = 0.0
    """Part of a sample, in [0, 1], that the annotator's mask must cover to be accepted."""
    truncations: tuple[float, ...] = (1.0,)
    """psi of the paper's evaluation of samples."""
    threshold: float = 0.9
    """Alpha above which a pixel is foreground, as in the released sampling script."""
    quality_features: str = "inception"
    """Features that its images are compared by."""
    quality_samples: int = 50_000
    """Images of a method that are compared with real ones."""
    source: str
    """Where it is published."""
    licence: str
    """Terms of use, in short."""


_CUSTOM = "l4f_bench.datasets.custom:open_category"

DATASETS: Registry[DatasetSpec] = Registry("data set", group="l4f_bench.datasets")
for _spec in (
    DatasetSpec(
        name="ffhq",
        title="FFHQ",
        resolution=1024,
        images=_CUSTOM,
        folder="Faces",
        target_class="person",
        annotator="bisenet",
        generator_weights="stylegan2-ada-ffhq",
        truncations=(0.7, 1.0),
        source="https://github.com/NVlabs/ffhq-dataset",
        licence="images under their own licences, data set CC BY-NC-SA 4.0",
    ),
    DatasetSpec(
        name="cat",
        title="LSUN-Cat",
        resolution=256,
        images=_CUSTOM,
        folder="Cats",
        target_class="cat",
        annotator="mask-rcnn",
        generator_weights="stylegan2-cat",
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="horse",
        title="LSUN-Horse",
        resolution=256,
        images=_CUSTOM,
        folder="Horse",
        target_class="horse",
        annotator="mask-rcnn",
        generator_weights="stylegan2-horse",
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="car",
        title="LSUN-Car",
        resolution=512,
        images=_CUSTOM,
        folder="Cars",
        target_class="car",
        background="constant",
        annotator="mask-rcnn",
        generator_weights="stylegan2-car",
        letterbox=0.125,
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="shapes",
        title="Shapes",
        resolution=64,
        images="l4f_bench.datasets.shapes_images:open_shapes",
        drawn=True,
        annotator="bisenet",
        generator_weights="shapes-generator",
        alpha_weights="shapes-alpha",
        annotator_weights="shapes-annotator",
        student_weights="shapes-student",
        min_area=0.05,  # the world's objects cover 15% and more
        truncations=(0.7, 1.0),
        quality_features="annotator",
        quality_samples=5000,
        source="drawn by this package",
        licence="Apache-2.0",
    ),
):
    DATASETS.add(_spec)
