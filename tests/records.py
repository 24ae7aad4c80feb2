"""Records made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from l4f_bench.evaluation.records import AnnotatorFacts, ImageEntry, Record
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS

BISENET = AnnotatorFacts(
    name="bisenet", title="BiSeNet", foreground=("object",), min_score=0.5, min_area=0.05
)
EXACT = [[10, 0, 10, 80], [20, 10, 0, 70]]
FOUND = [[20, 0, 0, 80], [20, 5, 0, 75]]


def record(counts: list[list[int]] = EXACT, **changes: Any) -> Record:
    """A record of images of shapes with these counts (tp, fp, fn, tn)."""
    table = np.array(counts, dtype=np.int64).reshape(-1, 4)
    fields: dict[str, Any] = {
        "setting": "images",
        "method": "ours-bisenet",
        "method_title": "Ours (BiSeNet)",
        "dataset": "shapes",
        "dataset_title": "Shapes",
        "label": "ours (bisenet) against exact masks",
        "truth": "exact",
        "annotator": BISENET,
        "seed": 0,
        "protocol": PROTOCOLS.get("l4f"),
        "images_digest": "shapes of 64 pixels, seed 0",
        "n": len(table),
        "scores": estimate(PROTOCOLS.get("l4f"), table),
        "images": [
            ImageEntry(key=f"{i:06d}", **dict(zip(COUNT_NAMES, map(int, row), strict=True)))
            for i, row in enumerate(table)
        ],
        "digests": {"annotator": "a"},
    }
    return Record(**(fields | changes))


def samples(counts: list[list[int]] = EXACT, **changes: Any) -> Record:
    """A record of samples of ours."""
    fields: dict[str, Any] = {
        "setting": "samples", "method": "ours", "method_title": "Ours", "label": "ours",
        "truth": "bisenet", "truncation": 0.7, "threshold": 0.9, "images_digest": None,
    }  # fmt: skip
    return record(counts, **(fields | changes))
