"""How near projections come to their photographs, beside a picture that never looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from l4f_bench.projection.record import ProjectionRecord
from l4f_bench.reporting.sections import Section, number

_HEADERS = ("Photographs", "By", "n", "MSE", "MSE of the mean picture", "PSNR (dB)", "SSIM")
_NOTE = (
    "Means over n photographs with 95% bootstrap intervals, at the size of the generator's "
    "picture, pixels in [0, 1]. The mean picture is what the generator paints of its mean latent, "
    "which never looks at the photograph: a projection is worth as much as it is nearer. Numbers "
    "of different photographs or sizes do not compare."
)


def projection_section(records: Sequence[ProjectionRecord]) -> Section | None:
    """The section of a report; None where nothing was projected."""
    if not records:
        return None
    left_out = [
        f"{record.unreadable} of {record.dataset_title} could not be read and are left out."
        for record in records
        if record.unreadable
    ]
    return Section(
        name="reconstructions",
        title="How near projections come",
        headers=_HEADERS,
        lines=[_line(record) for record in records],
        notes=(_NOTE, *dict.fromkeys(left_out)),
        rows=[_row(record) for record in records],
    )


def _line(record: ProjectionRecord) -> list[str]:
    way = record.by if record.loss is None else f"{record.by}: {record.loss}"
    errors = [number(record.errors[name]) for name in ("mse", "mse_of_mean", "psnr", "ssim")]
    return [record.dataset_title, way, str(record.n), *errors]


def _row(record: ProjectionRecord) -> dict[str, object]:
    return {
        "photographs": record.dataset_title,
        "by": record.by,
        "loss": record.loss,
        "n": record.n,
        "unreadable": record.unreadable,
        "errors": {name: asdict(found) for name, found in record.errors.items()},
    }
