"""The section on trust, from records made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.evaluation.records import Record, image_entry
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.reporting.tables import build_tables
from l4f_bench.reporting.trust import trust_rows, trust_section
from l4f_bench.reporting.writers import WRITERS


def record(method: str, truth: str, subset: str, counts: list[list[int]]) -> Record:
    table = np.array(counts, dtype=np.int64).reshape(-1, 4)
    return Record(
        method=method, label="", dataset="shapes", setting="real", truth=truth, truncation=None,
        protocol="l4f", n=len(table), scores=estimate(PROTOCOLS.get("l4f"), table),
        images=[{"index": i, **image_entry(row)} for i, row in enumerate(table)],
        config={}, provenance={}, annotation={"name": "bisenet"}, subset=subset,
        digests={"annotator": "a"},
    )  # fmt: skip


EXACT = [[10, 0, 10, 80], [20, 10, 0, 70]]
FOUND = [[20, 0, 0, 80], [20, 5, 0, 75]]


def test_a_method_is_compared_on_the_same_images() -> None:
    records = [
        record("bisenet", "exact", "accepted", EXACT),
        record("ours-bisenet", "exact", "accepted", EXACT),
        record("ours-bisenet", "bisenet", "accepted", FOUND),
        record("ours-bisenet", "exact", "rejected", []),
        record("ours-bisenet", "bisenet", "rejected", []),
    ]
    annotator, accepted, rejected = trust_rows(records)
    assert annotator.against_annotator is None
    exact = (30 / 50 + 150 / 170) / 2  # pooled: tp 30, fp 10, fn 10, tn 150
    found = (40 / 45 + 155 / 160) / 2  # tp 40, fp 5, fn 0, tn 155
    assert accepted.against_exact.value == pytest.approx(exact)
    assert accepted.apart is not None
    assert accepted.apart.value == pytest.approx(found - exact)
    assert rejected.n == 0
    assert rejected.against_exact.value is None
    section = trust_section(records)
    assert section is not None
    text = WRITERS["md"](section)
    assert f"{found - exact:+.4f}" in text
    assert "n/a" in text
    for write in WRITERS.values():
        assert "rejected" in write(section)


def test_records_of_other_weights_are_not_compared() -> None:
    other = record("ours-bisenet", "bisenet", "accepted", FOUND)
    object.__setattr__(other, "digests", {"annotator": "b"})
    (row,) = trust_rows([record("ours-bisenet", "exact", "accepted", EXACT), other])
    assert row.apart is None


def test_parts_of_the_images_stand_in_no_other_table() -> None:
    parts = [record("ours-bisenet", "exact", "accepted", EXACT)]
    assert build_tables(parts) == []
