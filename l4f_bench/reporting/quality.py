"""How far methods' images are from real ones: the paper's Table 5, and the same for shapes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS, table_order
from l4f_bench.reporting.published import PAPER, published_fid
from l4f_bench.reporting.sections import MISSING, Section

NUMBER = 5
"""The paper's table of FID."""
FID = "fid"

_ON_FEATURES = ("Images", "real", "psi", "Features", "Weights", "Resize", "Divisor")
_NOTE = (
    "Lower is better. Only distances of equal features, weights (SHA-256, shortened), resizing, "
    "divisor and numbers of images can be compared; the paper states none of these. Published: as "
    f"printed in {PAPER}, Table {NUMBER}. {MISSING}: no record given."
)
_NOTE_OTHER = (
    "Lower is better. Fréchet distances of other features than those of Inception with its "
    "published weights: no FID, and comparable with none, and with each other only where features "
    "and their weights (SHA-256, shortened) are the same. The row of real images, where there is "
    "one, is what two sets of them are apart: no generator can be expected below it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityRow:
    """One method on one data set: published, measured, or both."""

    method: str
    dataset: str
    published: float | None
    measured: float | None
    difference: float | None
    """Measured minus published."""
    distance: dict[str, Any]
    """What was compared; empty where nothing was."""


def quality_sections(records: list[Record]) -> list[Section]:
    """The sections of a report on image quality, as far as there are records."""
    of_quality = [record for record in records if record.distance]
    of_quality.sort(key=lambda record: table_order(record.method))
    fid = [record for record in of_quality if record.protocol == FID]
    others = [record for record in of_quality if record.protocol != FID]
    sections = []
    if fid:
        sections.append(_table5(fid))
    for key in dict.fromkeys(record.protocol for record in others):
        sections.append(_other(key, [record for record in others if record.protocol == key]))
    return sections


def _table5(records: list[Record]) -> Section:
    rows = fid_rows(records)
    return Section(
        name=f"table{NUMBER}",
        title=f"Table {NUMBER}: FID of samples",
        headers=("Method", "Data set", "published", "measured", "difference", *_ON_FEATURES),
        lines=[
            [
                METHODS.get(row.method).title,
                DATASETS.get(row.dataset).title,
                _number(row.published),
                _number(row.measured),
                _number(row.difference, "+"),
                *_made_with(row.distance),
            ]
            for row in rows
        ],
        notes=(_NOTE,),
        rows=[asdict(row) for row in rows],
    )


def fid_rows(records: list[Record]) -> list[QualityRow]:
    """The paper's rows, each with every record of its method and data set; then other records."""
    rows: list[QualityRow] = []
    left = list(records)
    for (method, dataset), published in published_fid().items():
        matching = [r for r in records if (r.method, r.dataset) == (method, dataset)]
        left = [record for record in left if record not in matching]
        rows += [_row(method, dataset, published, record) for record in matching]
        if not matching:
            rows.append(_row(method, dataset, published, None))
    return rows + [_row(record.method, record.dataset, None, record) for record in left]


def _row(method: str, dataset: str, published: float | None, record: Record | None) -> QualityRow:
    measured = None if record is None else record.scores[FID].value
    apart = None if measured is None or published is None else measured - published
    return QualityRow(
        method=method,
        dataset=dataset,
        published=published,
        measured=measured,
        difference=apart,
        distance={} if record is None else record.distance,
    )


def _other(key: str, records: list[Record]) -> Section:
    """Distances of features that are not FID's."""
    return Section(
        name=key,
        title=f"Image quality: {records[0].distance['distance']}",
        headers=("Method", "Data set", records[0].distance["distance"], *_ON_FEATURES),
        lines=[
            [
                METHODS.get(record.method).title,
                DATASETS.get(record.dataset).title,
                f"{record.distance['value']:.4f}",
                *_made_with(record.distance),
            ]
            for record in records
        ],
        notes=(_NOTE_OTHER,),
        rows=[
            {"method": record.method, "dataset": record.dataset, **record.distance}
            for record in records
        ],
    )


def _made_with(distance: dict[str, Any]) -> list[str]:
    """Numbers of images, psi and how their features were made."""
    if not distance:
        return [""] * len(_ON_FEATURES)
    generated, real = distance["sides"]
    return [
        str(generated["count"]),
        "unknown" if real["count"] is None else str(real["count"]),
        f"{generated['truncation']:g}" if "truncation" in generated else "",
        str(generated["features"]),
        (generated["weights_sha256"] or "unknown")[:8],
        str(generated["resize"]),
        str(generated["divisor"]),
    ]


def _number(value: float | None, sign: str = "") -> str:
    return MISSING if value is None else f"{value:{sign}.2f}"
