"""How far methods' images are from real ones: the paper's Table 5, and the same for shapes."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.evaluation.distance.facts import DistanceFacts
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.reporting.published import PAPER, published_fid, published_method
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
    "published weights: they are not FIDs. Compare them with each other only where features "
    "and their weights (SHA-256, shortened) are the same. The row of real images, where there is "
    "one, is how far apart two sets of them are: no generator can be expected to go below it."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityRow:
    """One method on one data set: published, measured, or both."""

    method: str
    method_title: str
    dataset: str
    dataset_title: str
    published: float | None
    measured: float | None
    difference: float | None
    """Measured minus published."""
    distance: DistanceFacts | None
    """What was compared; None where nothing was."""


def quality_sections(records: list[Record]) -> list[Section]:
    """The sections of a report on image quality, as far as there are records."""
    of_quality = [record for record in records if record.distance]
    of_quality.sort(key=lambda record: METHODS.order(record.method))
    fid = [record for record in of_quality if record.protocol_name == FID]
    others = [record for record in of_quality if record.protocol_name != FID]
    sections = []
    if fid:
        sections.append(_table5(fid))
    for key in dict.fromkeys(record.protocol_name for record in others):
        sections.append(_other([record for record in others if record.protocol_name == key]))
    return sections


def _table5(records: list[Record]) -> Section:
    rows = fid_rows(records)
    return Section(
        name=f"table{NUMBER}",
        title=f"Table {NUMBER}: FID of samples",
        headers=("Method", "Data set", "published", "measured", "difference", *_ON_FEATURES),
        lines=[
            [
                row.method_title,
                row.dataset_title,
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
        rows += [_row(record, published) for record in matching]
        if not matching:
            rows.append(_unmeasured(method, dataset, published))
    return rows + [_row(record, None) for record in left]


def _row(record: Record, published: float | None) -> QualityRow:
    measured = record.scores[FID].value
    apart = None if measured is None or published is None else measured - published
    return QualityRow(
        method=record.method,
        method_title=record.method_title,
        dataset=record.dataset,
        dataset_title=record.dataset_title,
        published=published,
        measured=measured,
        difference=apart,
        distance=record.distance,
    )


def _unmeasured(method: str, dataset: str, published: float) -> QualityRow:
    return QualityRow(
        method=method,
        method_title=published_method(method),
        dataset=dataset,
        dataset_title=DATASETS.get(dataset).title,
        published=published,
        measured=None,
        difference=None,
        distance=None,
    )


def _other(records: list[Record]) -> Section:
    """Distances of features that are not FID's."""
    found = [(record, record.distance) for record in records if record.distance is not None]
    name = found[0][1].distance
    return Section(
        name=found[0][1].key,
        title=f"Image quality: {name}",
        headers=("Method", "Data set", name, *_ON_FEATURES),
        lines=[
            [
                record.method_title,
                record.dataset_title,
                f"{distance.value:.4f}",
                *_made_with(distance),
            ]
            for record, distance in found
        ],
        notes=(_NOTE_OTHER,),
        rows=[
            {"method": record.method, "dataset": record.dataset, **asdict(distance)}
            for record, distance in found
        ],
    )


def _made_with(distance: DistanceFacts | None) -> list[str]:
    """Numbers of images, psi and how their features were made."""
    if distance is None:
        return [""] * len(_ON_FEATURES)
    generated, real = distance.sides
    return [
        str(generated.count),
        "unknown" if real.count is None else str(real.count),
        "" if generated.truncation is None else f"{generated.truncation:g}",
        str(generated.features),
        (generated.weights_sha256 or "unknown")[:8],
        str(generated.resize),
        str(generated.divisor),
    ]


def _number(value: float | None, sign: str = "") -> str:
    return MISSING if value is None else f"{value:{sign}.2f}"
