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

from l4f_bench.metrics.scores import TABLE_METRICS

PAPER = "Labels4Free (ICCV 2021)"
MASK_TABLES = (1, 2, 3, 4)

_PRINTED_AS = {"iou_fg": "iou_bg", "iou_bg": "iou_fg"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSpec:
    """A table of mask scores in the paper: which records stand in it, and what to say about it."""

    number: int
    """Its number in the paper."""
    title: str
    setting: str
    """The setting of its records."""
    truth: str | None
    """Whose masks are true in its records; None for any annotator's."""
    exchange: str
    """Why its fg/bg pair is read the other way round."""

    @property
    def published(self) -> tuple[PublishedRow, ...]:
        """The paper's rows."""
        return published_rows(self.number)


_SUGGESTED = "the sizes of this table's pairs suggest that it was filled from the same script"
TABLES = (
    TableSpec(
        number=1,
        title="FFHQ samples against BiSeNet",
        setting="samples",
        truth=None,
        exchange=_SUGGESTED,
    ),
    TableSpec(
        number=2,
        title="LSUN samples against Detectron2 (masks thresholded at 0.9)",
        setting="samples",
        truth=None,
        exchange=_SUGGESTED,
    ),
    TableSpec(
        number=3,
        title="real images of the custom set against hand-drawn masks",
        setting="images",
        truth="human",
        exchange="the masks released with the paper, scored here, show it",
    ),
    TableSpec(
        number=4,
        title="CelebAMask-HQ images against its annotation",
        setting="images",
        truth="human",
        exchange=_SUGGESTED,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedRow:
    """One row of a table of mask scores."""

    table: int
    dataset: str
    method: str
    truncation: float | None
    printed: dict[str, float]
    """The numbers under the column names of the paper."""

    @property
    def method_title(self) -> str:
        """The method as the paper names it."""
        return published_title("method", self.method)

    @property
    def dataset_title(self) -> str:
        """The data set as tables name it."""
        return published_title("dataset", self.dataset)

    def value(self, metric: str) -> float:
        """The published number to compare a measured ``metric`` with: fg and bg put right."""
        return self.printed[_PRINTED_AS.get(metric, metric)]


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
        for row in _read(f"table{table}")
    )


@cache
def published_fid() -> dict[tuple[str, str], float]:
    """Table 5: FID by (method, data set)."""
    return {
        (row["method"], dataset): float(value)
        for row in _read("table5")
        for dataset, value in row.items()
        if dataset != "method"
    }


@cache
def published_title(kind: str, key: str) -> str:
    """The paper's name of a ``method`` or ``dataset`` of its tables."""
    titles = {(row["kind"], row["key"]): row["title"] for row in _read("names")}
    return titles[kind, key]


def _read(name: str) -> list[dict[str, str]]:
    source = files("l4f_bench.reporting") / "published" / f"{name}.csv"
    return list(csv.DictReader(source.read_text(encoding="utf-8").splitlines()))
