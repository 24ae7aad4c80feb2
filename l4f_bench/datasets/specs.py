"""The data sets, ours and those that installed packages offer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from l4f_bench.datasets.celebamask.parts import PARTS, SPLITS
from l4f_bench.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetSpec:
    """Everything known about one data set."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""
    resolution: int | None = None
    """Side of its images and of the published generators' samples, in pixels; None for photographs
    of any size."""
    images: str | None = None
    """``"module:object"`` that opens its images, as :mod:`l4f_bench.datasets.image_set` says; None
    where there are only samples."""
    drawn: bool = False
    """Whether its images are drawn by code when they are asked for, so that none need be given."""
    layout: tuple[str, ...] = ()
    """Its files below its folder, as published; what varies stands in braces. Those that
    :mod:`l4f_bench.datasets.layouts` opens have two: images, then true masks, paired by
    ``{name}``, which may run through sub-folders."""
    mask_background: tuple[int, int, int] | None = None
    """Colour of all but the object in true masks that are colour images; None where these hold grey
    levels and the object is white."""
    splits: tuple[str, ...] = ()
    """Splits of its images, one of which can be asked for."""
    parts: tuple[str, ...] = ()
    """Parts that its true masks consist of, of which some can be asked for."""
    instructions: str | None = None
    """How to get it by hand, a phrase."""
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
    annotator_weights: Mapping[str, str] = field(default_factory=dict)
    """Names of embedded weights of its own by annotator; others have their usual ones."""
    student_weights: Mapping[str, str] = field(default_factory=dict)
    """Names of embedded students by method; of others a file must be given."""
    encoder_weights: str | None = None
    """Name of the encoder of its images among the weights that can be fetched or are embedded."""
    letterbox: float = 0.0
    """Height of the black bars above and below its pictures, as a part of the image's."""
    min_area: float = 0.0
    """Part of a sample, in [0, 1], that the annotator's mask must cover to be accepted."""
    one_piece: bool = False
    """Whether annotators that parse images must find the foreground in one piece."""
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

    @property
    def steps(self) -> str:
        """One line: how to get it, and how its folder must look."""
        if self.drawn:
            return f"{self.title} is drawn by this package: there is nothing to get."
        how = self.instructions or "get it from its source"
        layout = f" Expected layout: {', '.join(self.layout)}." if self.layout else ""
        return (
            f"'{self.name}' is not downloaded automatically (terms: {self.licence}): {how}. "
            f"Source: {self.source}.{layout}"
        )


def unlisted(name: str, title: str | None = None) -> DatasetSpec:
    """What is known of images that are no data set here: what they are called."""
    return DatasetSpec(name=name, title=title or name, source="given", licence="not known")


def spec_of(name: str) -> DatasetSpec:
    """What is known of a data set: its entry, or of images that are none here the name alone."""
    return DATASETS.get(name) if name in DATASETS else unlisted(name)


_CUSTOM = "l4f_bench.datasets.custom:open_category"
_LAYOUT = "l4f_bench.datasets.layouts:open_layout"
_SIDE_BY_SIDE = "get images and masks from the source page and unpack them side by side"
_UNSTATED = "not stated by the publisher"


def _lsun(name: str) -> dict[str, Any]:
    """What the data sets of LSUN have in common."""
    return {
        "images": _CUSTOM,
        "target_class": name,
        "annotator": "mask-rcnn",
        "generator_weights": f"stylegan2-{name}",
        "encoder_weights": None if name == "cat" else f"e4e-{name}",
        "layout": (f"{name}/data.mdb (an LMDB folder: 40-digit hexadecimal keys, JPEG or WebP)",),
        "instructions": f"get the archive of '{name}' from the source page and unpack it",
        "source": "https://www.yf.io/p/lsun",
        "licence": "research use",
    }


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
        encoder_weights="psp-ffhq",
        truncations=(0.7, 1.0),
        layout=("images1024x1024/{id // 1000 * 1000:05d}/{id:05d}.png",),
        instructions="run download_ffhq.py --images from the source page (89.1 GB)",
        source="https://github.com/NVlabs/ffhq-dataset",
        licence="CC BY-NC-SA 4.0, each image under its own licence",
    ),
    DatasetSpec(name="cat", title="LSUN-Cat", resolution=256, folder="Cats", **_lsun("cat")),
    DatasetSpec(name="horse", title="LSUN-Horse", resolution=256, folder="Horse", **_lsun("horse")),
    DatasetSpec(
        name="car",
        title="LSUN-Car",
        resolution=512,
        folder="Cars",
        background="constant",
        letterbox=0.125,
        **_lsun("car"),
    ),
    DatasetSpec(
        name="celebamask",
        title="CelebAMask-HQ",
        resolution=1024,
        images="l4f_bench.datasets.celebamask.images:open_celebamask",
        splits=SPLITS,
        parts=PARTS,
        encoder_weights="psp-ffhq",
        layout=(
            "CelebA-HQ-img/{id}.jpg",
            "CelebAMask-HQ-mask-anno/{id // 2000}/{id:05d}_{part}.png",
            "CelebA-HQ-to-CelebA-mapping.txt",
        ),
        instructions=(
            "accept the agreement on the source page and unpack the archive; the test split also "
            "needs list_eval_partition.txt of CelebA"
        ),
        source="https://github.com/switchablenorms/CelebAMask-HQ",
        licence="non-commercial research and education, by the agreement on the source page",
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
        annotator_weights={"bisenet": "shapes-annotator", "unet": "shapes-judge"},
        encoder_weights="shapes-encoder",
        student_weights={"ours-bisenet": "shapes-student", "ours-unet": "shapes-unet-student"},
        min_area=0.05,  # the world's lone objects cover 10% and more
        one_piece=True,
        truncations=(0.7, 1.0),
        quality_features="annotator",
        quality_samples=5000,
        source="drawn by this package",
        licence="Apache-2.0",
    ),
    DatasetSpec(
        name="labels4free-custom",
        title="The paper's custom set, evaluated as ffhq, cat, horse and car",
        layout=("{Cars,Cats,Horse,Faces}/{data,Mask_*_gt,Mask_*_pred}",),
        instructions="clone the source repository and give its custom_dataset folder",
        source="https://github.com/RameenAbdal/Labels4Free",
        licence=_UNSTATED,
    ),
    DatasetSpec(
        name="duts-te",
        title="DUTS-TE",
        images=_LAYOUT,
        layout=("DUTS-TE-Image/{name}.jpg", "DUTS-TE-Mask/{name}.png"),
        instructions=_SIDE_BY_SIDE,
        source="http://saliencydetection.net/duts/",
        licence=_UNSTATED,
    ),
    DatasetSpec(
        name="dut-omron",
        title="DUT-OMRON",
        images=_LAYOUT,
        layout=("DUT-OMRON-image/{name}.jpg", "pixelwiseGT-new-PNG/{name}.png"),
        instructions=_SIDE_BY_SIDE,
        source="http://saliencydetection.net/dut-omron/",
        licence=_UNSTATED,
    ),
    DatasetSpec(
        name="ecssd",
        title="ECSSD",
        images=_LAYOUT,
        layout=("images/{name}.jpg", "ground_truth_mask/{name}.png"),
        instructions=_SIDE_BY_SIDE,
        source="https://www.cse.cuhk.edu.hk/leojia/projects/hsaliency/dataset.html",
        licence=_UNSTATED,
    ),
    DatasetSpec(
        name="cub-200-2011",
        title="CUB-200-2011",
        images=_LAYOUT,
        layout=("test_images/{name}.jpg", "test_segmentations/{name}.png"),
        instructions=(
            "get images and segmentations from the source page, and copy the class folders of "
            "both with the test images alone (0 in train_test_split.txt)"
        ),
        source="https://www.vision.caltech.edu/datasets/cub_200_2011/",
        licence=_UNSTATED,
    ),
    DatasetSpec(
        name="flowers",
        title="Oxford flowers",
        images=_LAYOUT,
        layout=("jpg/image_{name}.jpg", "segmim/segmim_{name}.jpg"),
        mask_background=(0, 0, 254),
        instructions=_SIDE_BY_SIDE,
        source="https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
        licence=_UNSTATED,
    ),
):
    DATASETS.add(_spec)
