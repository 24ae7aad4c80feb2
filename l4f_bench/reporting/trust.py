"""How far pseudo ground truth can be trusted: one method's scores against it and against truth.

And whether the annotator rejects the right images, where it is known what they show.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import NormalDist

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


_REJECTION_HEADERS = ("Data set", "Annotator", "Images", "Unfit", "Rejected", "Precision", "Recall")
_REJECTION_NOTE = (
    "Unfit are images that show no object or several. Precision: unfit among the rejected; recall: "
    "rejected among the unfit; with 95% Wilson intervals."
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


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionRow:
    """Which of some images an annotator rejected."""

    dataset: str
    dataset_title: str
    annotator: str
    n: int
    unfit: int
    """Images with no object or several."""
    rejected: int
    both: int
    """Images that are unfit and rejected."""
    precision: Estimate
    recall: Estimate


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


def rejection_rows(records: list[Record]) -> list[RejectionRow]:
    """Which images each annotator rejected, of those whose number of objects is known."""
    found: dict[tuple[object, ...], RejectionRow] = {}
    exact = [record for record in records if record.truth in GIVEN and record.annotator]
    for rejected in (record for record in exact if record.subset == "rejected"):
        accepted = next((record for record in exact if _others_of(rejected, record)), None)
        if accepted is None or rejected.annotator is None:
            continue
        numbers = [[entry.num_objects for entry in part.images] for part in (rejected, accepted)]
        if None in (*numbers[0], *numbers[1]):
            continue
        unfit = [sum(number != 1 for number in part) for part in numbers]
        key = (rejected.dataset, rejected.images_digest, rejected.annotator)
        found[key] = RejectionRow(
            dataset=rejected.dataset,
            dataset_title=rejected.dataset_title,
            annotator=rejected.annotator.name,
            n=rejected.n + accepted.n,
            unfit=sum(unfit),
            rejected=rejected.n,
            both=unfit[0],
            precision=_share(unfit[0], rejected.n),
            recall=_share(unfit[0], sum(unfit)),
        )
    return list(found.values())


def _others_of(rejected: Record, record: Record) -> bool:
    """Whether ``record`` is of the images that the same annotator accepted."""
    same = ("method", "dataset", "truth", "annotator", "images_digest", "digests")
    return record.subset == "accepted" and all(
        getattr(record, name) == getattr(rejected, name) for name in same
    )


def _share(part: int, whole: int) -> Estimate:
    """A share with its 95% Wilson interval; by hand, since scipy takes a second to import."""
    if not whole:
        return Estimate(None)
    z, share = NormalDist().inv_cdf(0.975), part / whole
    middle = share + z * z / (2 * whole)
    half = z * math.sqrt(share * (1 - share) / whole + (z / (2 * whole)) ** 2)
    low, high = ((middle + sign * half) / (1 + z * z / whole) for sign in (-1, 1))
    return Estimate(share, max(low, 0.0), min(high, 1.0))


def rejection_section(records: list[Record]) -> Section | None:
    """Whether the right images were rejected; None where nobody knows."""
    rows = rejection_rows(records)
    if not rows:
        return None
    return Section(
        name="rejection",
        title="Whether the right images are rejected",
        headers=_REJECTION_HEADERS,
        lines=[
            [
                row.dataset_title,
                row.annotator,
                *(str(count) for count in (row.n, row.unfit, row.rejected)),
                number(row.precision),
                number(row.recall),
            ]
            for row in rows
        ],
        notes=(_REJECTION_NOTE,),
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
