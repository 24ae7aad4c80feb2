"""What edits change of backgrounds, with and without their being preserved."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from l4f_bench.editing.record import EditFacts, EditRecord
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.reporting.sections import MISSING, Section

_DIGITS = {"psnr": 1, "ssim": 3, "outside": 2, "inside": 2}
_HEADERS = (
    "Data set", "Edit", "n", "Way", "PSNR outside", "SSIM outside", "Change outside",
    "Change inside",
)  # fmt: skip
_NOTE = (
    "Means over n samples with 95% bootstrap intervals. Outside is what neither the sample's mask "
    "nor the edit's covers, the background in both; inside is the rest. PSNR in dB, 100 where "
    "nothing changed; changes are mean absolute differences in grey levels (0 to 255). Plain is "
    "the edit as the generator paints it; preserving is its object over the sample's background, "
    "filled behind the object (Figure 6). Apart is preserving minus plain, paired by sample. A "
    "large change outside is a background that the edit did not mean to move; equal changes inside "
    "are an edit that is kept."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class EditRow:
    """One edit of one record."""

    dataset: str
    dataset_title: str
    edit: str
    kind: str
    strength: float
    sequence: bool
    n: int
    left_out: int
    truncation: float | None
    fill: str
    margin: int
    threshold: float
    changes: dict[str, dict[str, Estimate]]


def editing_section(records: list[EditRecord]) -> Section | None:
    """The section of a report; None where no edits were measured."""
    rows = [_row(record, edit) for record in records for edit in record.edits]
    if not rows:
        return None
    return Section(
        name="edits",
        title="What edits change",
        headers=_HEADERS,
        lines=[line for row in rows for line in _lines(row)],
        notes=(_NOTE, *dict.fromkeys(_setting(record) for record in records)),
        rows=[asdict(row) for row in rows],
    )


def _row(record: EditRecord, edit: EditFacts) -> EditRow:
    return EditRow(
        dataset=record.dataset,
        dataset_title=record.dataset_title,
        edit=edit.label,
        kind=edit.kind,
        strength=edit.strength,
        sequence=record.sequence,
        n=record.n,
        left_out=sum(record.left_out.values()),
        truncation=record.truncation,
        fill=record.fill,
        margin=record.margin,
        threshold=record.threshold,
        changes=edit.changes,
    )


def _setting(record: EditRecord) -> str:
    psi = "given latents" if record.truncation is None else f"psi {record.truncation:g}"
    order = "edits one on the other" if record.sequence else "each edit alone"
    left_out = ", ".join(f"{number} left out: {why}" for why, number in record.left_out.items())
    return (
        f"{record.dataset_title}: {psi}, {order}, alpha above {record.threshold:g} is the object, "
        f"filled by {record.fill} with a margin of {record.margin} pixels"
        f"{f'; {left_out}' if left_out else ''}."
    )


def _lines(row: EditRow) -> list[list[str]]:
    head = [row.dataset_title, f"+ {row.edit}" if row.sequence else row.edit, str(row.n)]
    return [
        _line(head, "plain", row),
        _line(["", "", ""], "preserving", row),
        _line(["", "", ""], "difference", row),
    ]


def _line(head: list[str], way: str, row: EditRow) -> list[str]:
    sign = "+" if way == "difference" else ""
    cells = [_cell(row.changes[name][way], digits, sign) for name, digits in _DIGITS.items()]
    return [*head, "apart" if way == "difference" else way, *cells]


def _cell(found: Estimate, digits: int, sign: str) -> str:
    if found.value is None:
        return MISSING
    value, low, high = (
        None if number is None else f"{number:{sign}.{digits}f}"
        for number in (found.value, found.low, found.high)
    )
    return f"{value}" if low is None else f"{value} [{low}, {high}]"
