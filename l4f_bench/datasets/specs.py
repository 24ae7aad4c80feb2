"""The data sets of the paper."""

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
    custom_folder: str | None
    """Its folder in the layout of the paper's custom set (appendix C); None if not part of it."""
    background: str = "first-conv"
    """How the released code turns this data set's generator into one of backgrounds."""
    threshold: float = 0.9
    """Alpha above which a pixel is foreground, as in the released sampling script."""
    source: str
    """Where it is published."""
    licence: str
    """Terms of use, in short."""


DATASETS: Registry[DatasetSpec] = Registry("dataset")
for _spec in (
    DatasetSpec(
        name="ffhq",
        title="FFHQ",
        resolution=1024,
        custom_folder="Faces",
        source="https://github.com/NVlabs/ffhq-dataset",
        licence="images under their own licences, data set CC BY-NC-SA 4.0",
    ),
    DatasetSpec(
        name="cat",
        title="LSUN-Cat",
        resolution=256,
        custom_folder="Cats",
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="horse",
        title="LSUN-Horse",
        resolution=256,
        custom_folder="Horse",
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="car",
        title="LSUN-Car",
        resolution=512,
        custom_folder="Cars",
        background="constant",
        source="https://www.yf.io/p/lsun",
        licence="research use",
    ),
    DatasetSpec(
        name="celebamask",
        title="CelebAMask-HQ",
        resolution=1024,
        custom_folder=None,
        source="https://github.com/switchablenorms/CelebAMask-HQ",
        licence="non-commercial research",
    ),
    DatasetSpec(
        name="shapes",
        title="Shapes",
        resolution=32,
        custom_folder=None,
        source="drawn by this package",
        licence="Apache-2.0",
    ),
):
    DATASETS.add(_spec)
