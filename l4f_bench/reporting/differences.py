"""How far methods on the same data set are apart, with intervals of the difference."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import combinations

from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.intervals import Estimate, difference
from l4f_bench.reporting.runs import weights_of
from l4f_bench.reporting.sections import Section, number

METRICS = ("miou", "iou_fg", "iou_bg")
_HEADERS = (
    "Data set", "psi", "Threshold", "First minus second", "Weights", "mIOU", "IOU fg", "IOU bg",
    "Images",
)  # fmt: skip
_NOTE = (
    "Differences of scores with 95% bootstrap intervals over images: `paired` where both methods "
    "were scored on the same images, which are then resampled alike, else each resampled alone. An "
    "interval without 0 is a difference that the images drawn can tell; other seeds of training "
    "may differ more. Weights: SHA-256 of each method's last file (alpha network or generator), "
    "shortened. Threshold: alpha above which a pixel of a sample counts as foreground."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferenceRow:
    """Two methods on one data set."""

    dataset: str
    dataset_title: str
    setting: str
    truncation: float | None
    threshold: float | None
    """Alpha above which a pixel is foreground; None for masks from files."""
    first: str
    second: str
    first_title: str
    """Name in tables; it says if only samples that passed another detector were scored."""
    second_title: str
    first_weights: str | None
    """SHA-256 of the file that makes the masks, where the record has one."""
    second_weights: str | None
    paired: bool
    protocol: str
    differences: dict[str, Estimate]
    """First minus second, by metric."""


def difference_rows(records: list[Record]) -> list[DifferenceRow]:
    """Every pair of records of two methods under the same conditions."""
    whole = [record for record in records if record.subset == "all" and record.images]
    whole.sort(key=lambda record: METHODS.order(record.method))
    return [
        _row(first, second)
        for first, second in combinations(whole, 2)
        if first.method != second.method
        and _conditions(first) == _conditions(second)
        and _thresholds_fit(first, second)
    ]


def difference_section(records: list[Record]) -> Section | None:
    """The section of a report; None where no two methods can be compared."""
    rows = difference_rows(records)
    if not rows:
        return None
    return Section(
        name="differences",
        title="Differences between methods",
        headers=_HEADERS,
        lines=[_line(row) for row in rows],
        notes=(_NOTE,),
        rows=[asdict(row) for row in rows],
    )


def _conditions(record: Record) -> tuple[object, ...]:
    """What must be equal; a screen need not be, since one method's may be part of its protocol."""
    annotator = record.annotator
    rule = None if annotator is None else replace(annotator, screen=None)
    weights = None if annotator is None else record.digests.get("annotator")
    return (
        record.dataset, record.setting, record.truth, record.truncation, record.protocol, weights,
        rule, record.split, record.parts,
    )  # fmt: skip


def _thresholds_fit(first: Record, second: Record) -> bool:
    """Of a sample's own alpha the threshold is part of the protocol; image methods have theirs."""
    own = [
        record.threshold
        for record in (first, second)
        if record.setting == "samples" and record.config.get("segmenter") is None
    ]
    return len(set(own)) < 2


def _title(record: Record) -> str:
    screened = record.annotator is not None and record.annotator.screen is not None
    return f"{record.method_title} (screened)" if screened else record.method_title


def _row(first: Record, second: Record) -> DifferenceRow:
    keys = first.image_keys()
    paired = keys is not None and keys == second.image_keys()
    assert first.protocol is not None, "records with pixel counts have a protocol"
    differences = difference(first.protocol, first.counts(), second.counts(), paired=paired)
    return DifferenceRow(
        dataset=first.dataset,
        dataset_title=first.dataset_title,
        setting=first.setting,
        truncation=first.truncation,
        threshold=first.threshold,
        first=first.method,
        second=second.method,
        first_title=_title(first),
        second_title=_title(second),
        first_weights=weights_of(first),
        second_weights=weights_of(second),
        paired=paired,
        protocol=first.protocol.name,
        differences={key: value for key, value in differences.items() if key in METRICS},
    )


def _line(row: DifferenceRow) -> list[str]:
    return [
        row.dataset_title,
        "" if row.truncation is None else f"{row.truncation:g}",
        "" if row.threshold is None else f"{row.threshold:g}",
        f"{row.first_title} - {row.second_title}",
        " - ".join((digest or "none")[:6] for digest in (row.first_weights, row.second_weights)),
        *(number(row.differences.get(metric), "+") for metric in METRICS),
        "paired" if row.paired else "unpaired",
    ]
