"""Published numbers of the field on public image sets: foreground IoU, each with its source.

Rows of DUT-OMRON, DUTS-TE and ECSSD are without post-processing of the masks. What could not be
verified is left out; what is known to rest on other images or another protocol is kept and
compared with nothing.
"""

from __future__ import annotations

from functools import cache

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.reporting.published import PublishedRow, TableSpec, read_published

_METRIC = "iou_fg"


@cache
def field_tables() -> tuple[TableSpec, ...]:
    """A table for every data set with published numbers."""
    rows = [_row(entry) for entry in read_published("field")]
    return tuple(
        TableSpec(
            name=dataset,
            title=f"{DATASETS.get(dataset).title}: masks of real images",
            number=None,
            setting="images",
            truth="human",
            published=tuple(row for row in rows if row.dataset == dataset),
            note=(
                "Published: foreground IoU, from the source named and under the protocol shown; "
                "numbers of different protocols do not compare. Sources scale and crop images in "
                "ways of their own before they score; here whole images are scored at their size."
            ),
            nothing="no number of this method is published here",
            digits=3,
        )
        for dataset in dict.fromkeys(row.dataset for row in rows)
    )


def _row(entry: dict[str, str]) -> PublishedRow:
    return PublishedRow(
        table=None,
        dataset=entry["dataset"],
        method=entry["method"],
        printed={_METRIC: float(entry[_METRIC])},
        protocol=entry["protocol"],
        source=entry["source"],
        num_images=int(entry["images"]) if entry["images"] else None,
        unlike=entry["unlike"] or None,
    )
