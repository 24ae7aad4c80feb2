"""How far pseudo ground truth can be trusted: one method's scores against it and against truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from l4f_bench.annotators.choice import GIVEN
from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.intervals import Estimate, difference
from l4f_bench.reporting.sections import Section, number

METRIC = "miou"
_HEADERS = ("Data set", "Images", "n", "Method", "against annotator", "against exact", "apart")
_NOTE = (
    "Mean IoU with 95% bootstrap intervals over images; `apart` is the score against the annotator "
    "minus that against exact masks, resampled by image. Accepted and rejected are the annotator's "
    "own choice. A method looks better than it is where the annotator makes the same mistakes "
    "(apart > 0)."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustRow:
    """One method on one part of the images."""

    dataset: str
    dataset_title: str
    method: str
    annotator: str
    subset: str
    """``accepted`` or ``rejected`` by the annotator."""
    n: int
    protocol: str
    against_annotator: Estimate | None
    """Mean IoU; None for the annotator itself."""
    against_exact: Estimate
    apart: Estimate | None
    """Against the annotator minus against exact masks, paired by image."""


def trust_rows(records: list[Record]) -> list[TrustRow]:
    """What the records of ``eval trust`` say, in their order."""
    parts = [record for record in records if record.subset != "all"]
    rows = []
    for exact in parts:
        if exact.truth not in GIVEN:
            continue
        other = next((record for record in parts if _same_images(exact, record)), None)
        rows.append(
            TrustRow(
                dataset=exact.dataset,
                dataset_title=exact.dataset_title,
                method=exact.method,
                annotator=exact.annotator.name if exact.annotator else "",
                subset=exact.subset,
                n=exact.n,
                protocol=exact.protocol_name,
                against_annotator=other.scores[METRIC] if other else None,
                against_exact=exact.scores[METRIC],
                apart=_apart(other, exact) if other else None,
            )
        )
    return rows


def _same_images(exact: Record, other: Record) -> bool:
    """Whether ``other`` is the same evaluation against the annotator."""
    return (
        other.truth not in GIVEN
        and (other.method, other.dataset, other.subset, other.protocol)
        == (exact.method, exact.dataset, exact.subset, exact.protocol)
        and other.digests == exact.digests
        and other.image_keys() == exact.image_keys()
    )


def _apart(other: Record, exact: Record) -> Estimate:
    assert exact.protocol is not None, "records with pixel counts have a protocol"
    return difference(exact.protocol, other.counts(), exact.counts(), paired=True)[METRIC]


def trust_section(records: list[Record]) -> Section | None:
    """The section of a report; None where no record is of ``eval trust``."""
    rows = trust_rows(records)
    if not rows:
        return None
    return Section(
        name="trust",
        title="How far pseudo ground truth can be trusted",
        headers=_HEADERS,
        lines=[_line(row) for row in rows],
        notes=(_NOTE,),
        rows=[asdict(row) for row in rows],
    )


def _line(row: TrustRow) -> list[str]:
    found = row.against_annotator
    return [
        row.dataset_title,
        row.subset,
        str(row.n),
        row.method,
        "-" if found is None else number(found),
        number(row.against_exact),
        "" if found is None else number(row.apart, "+"),
    ]
