"""The published numbers of the paper's Tables 1 to 5, as printed.

Source: Labels4Free: Unsupervised Segmentation using StyleGAN (ICCV 2021), Tables 1 to 5.

The released evaluation script prints the row of pixel value 0 as "fg", but its masks are white on
the object: the first number of its "fg/bg" pair is the background's IoU. On the masks released
with the paper this can be checked (cars: object 0.95, background 0.98; Table 3 prints
"0.98/0.95"); the sizes of the pairs suggest the same for the other tables. ``PublishedRow.value``
therefore looks up ``iou_fg`` in the column printed as bg and the other way round.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.metrics.scores import TABLE_METRICS
from l4f_bench.reporting.sections import EXCHANGED

PAPER = "Labels4Free (ICCV 2021)"
PAPER_PROTOCOL = "l4f"
MASK_TABLES = (1, 2, 3, 4)

_PRINTED_AS = {"iou_fg": "iou_bg", "iou_bg": "iou_fg"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRow:
    """One published row of mask scores."""

    table: int | None
    """Number of the paper's table; None for a number of the field."""
    dataset: str
    method: str
    truncation: float | None = None
    printed: dict[str, float]
    """The numbers under the column names of the paper."""
    protocol: str = PAPER_PROTOCOL
    """How they were scored."""
    source: str = PAPER
    """Where they are printed."""
    num_images: int | None = None
    """Images they were scored on; None where that is not said here."""
    unlike: str | None = None
    """Why no measured number compares with them; None if nothing speaks against it."""

    @property
    def method_title(self) -> str:
        """The method as tables name it."""
        return published_method(self.method)

    @property
    def dataset_title(self) -> str:
        """The data set as tables name it."""
        return DATASETS.get(self.dataset).title

    def value(self, metric: str) -> float | None:
        """The published number to compare a measured ``metric`` with: fg and bg put right.

        None where none is printed.
        """
        return self.printed.get(self.printed_as(metric))

    def printed_as(self, metric: str) -> str:
        """The column under which the number of a ``metric`` is printed."""
        return metric if self.table is None else _PRINTED_AS.get(metric, metric)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSpec:
    """A table of published mask scores: which records stand in it, and what to say about it."""

    name: str
    """Stem of its files."""
    title: str
    number: int | None
    """Its number in the paper; None for a table of the field."""
    setting: str
    """The setting of its records."""
    truth: str | None
    """Whose masks are true in its records; None for any annotator's."""
    published: tuple[PublishedRow, ...]
    note: str
    """Where the numbers come from, and how they are to be read."""
    nothing: str
    """What is said of a record that no published row stands for."""
    digits: int | None = None
    """Digits after the point; None for those of each score."""
    remarks: tuple[str, ...] = ()
    """What else there is to say of the rows."""


@cache
def published_rows(table: int) -> tuple[PublishedRow, ...]:
    """The rows of Table 1, 2, 3 or 4, in the paper's order."""
    return tuple(
        PublishedRow(
            table=table,
            dataset=row["dataset"],
            method=row["method"],
            truncation=float(row["truncation"]) if row.get("truncation") else None,
            printed={key: float(row[key]) for key in TABLE_METRICS},
        )
        for row in read_published(f"table{table}")
    )


@cache
def published_fid() -> dict[tuple[str, str], float]:
    """Table 5: FID by (method, data set)."""
    return {
        (row["method"], dataset): float(value)
        for row in read_published("table5")
        for dataset, value in row.items()
        if dataset != "method"
    }


@cache
def published_method(key: str) -> str:
    """The name of a published method."""
    titles = {row["key"]: row["title"] for row in read_published("methods")}
    return titles[key]


def read_published(name: str) -> list[dict[str, str]]:
    """The rows of a packaged file of published numbers."""
    source = files("l4f_bench.reporting") / "published" / f"{name}.csv"
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))


def _table(
    number: int, title: str, setting: str, truth: str | None, exchange: str, *remarks: str
) -> TableSpec:
    """A table of the paper; ``exchange`` says why its fg/bg pair is read the other way round."""
    return TableSpec(
        name=f"table{number}",
        title=f"Table {number}: {title}",
        number=number,
        setting=setting,
        truth=truth,
        published=published_rows(number),
        note=(
            f"Published: as printed in {PAPER}, Table {number}, but for pairs marked "
            f"{EXCHANGED}, whose two numbers are printed in the other order: the released "
            'evaluation script prints pixel value 0, the background, as "fg" '
            f"({exchange}). All pairs here are foreground/background."
        ),
        nothing="the paper has no such row",
        remarks=remarks,
    )


_SUGGESTED = "the sizes of this table's pairs suggest that it was filled from the same script"
_SEEN = (
    "BiSeNet's row: the published network may have seen these images. Its training code takes "
    "whatever lies in the folder of images, without a split."
)
_WHICH = (
    "The paper scores 1000 images and does not say which: measured rows name the split, and are of "
    "the first 1000 of CelebA's test split by default."
)
_SHOWN = "the masks released with the paper, scored here, show it"


@cache
def paper_tables() -> tuple[TableSpec, ...]:
    """The paper's tables of mask scores."""
    at_09 = "LSUN samples against Detectron2 (masks thresholded at 0.9)"
    custom = "real images of the custom set against hand-drawn masks"
    annotation = "CelebAMask-HQ images against its annotation"
    return (
        _table(1, "FFHQ samples against BiSeNet", "samples", None, _SUGGESTED),
        _table(2, at_09, "samples", None, _SUGGESTED),
        _table(3, custom, "images", "human", _SHOWN),
        _table(4, annotation, "images", "human", _SUGGESTED, _WHICH, _SEEN),
    )
