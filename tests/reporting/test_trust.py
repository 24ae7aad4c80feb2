"""The section on trust, from records made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from l4f_bench.evaluation.records import Record
from l4f_bench.reporting.tables import build_tables
from l4f_bench.reporting.trust import (
    rejection_rows,
    rejection_section,
    trust_rows,
    trust_section,
)
from l4f_bench.reporting.writers import WRITERS
from tests.records import EXACT, FOUND, record


def part(
    method: str, truth: str, subset: str, counts: list[list[int]], **changes: object
) -> Record:
    return record(counts, setting="trust", method=method, truth=truth, subset=subset, **changes)


def test_a_method_is_compared_on_the_same_images() -> None:
    records = [
        part("bisenet", "exact", "accepted", EXACT),
        part("ours-bisenet", "exact", "accepted", EXACT),
        part("ours-bisenet", "bisenet", "accepted", FOUND),
        part("ours-bisenet", "exact", "rejected", []),
        part("ours-bisenet", "bisenet", "rejected", []),
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
    other = part("ours-bisenet", "bisenet", "accepted", FOUND, digests={"annotator": "b"})
    (row,) = trust_rows([part("ours-bisenet", "exact", "accepted", EXACT), other])
    assert row.apart is None


def test_parts_of_the_images_stand_in_no_other_table() -> None:
    assert build_tables([part("ours-bisenet", "exact", "accepted", EXACT)]) == []


def test_rejection_is_compared_with_what_the_images_show() -> None:
    def shown(subset: str, numbers: list[int]) -> Record:
        counts = [[10, 0, 10, 80]] * len(numbers)
        made = part("bisenet", "exact", subset, counts)
        entries = [
            replace(entry, num_objects=number)
            for entry, number in zip(made.images, numbers, strict=True)
        ]
        return replace(made, images=entries)

    accepted, rejected = shown("accepted", [1, 1, 1, 2, 0, 1]), shown("rejected", [0, 2, 2, 1])
    (row,) = rejection_rows([accepted, rejected])
    assert (row.n, row.unfit, row.rejected, row.both) == (10, 5, 4, 3)
    assert row.precision.value == pytest.approx(3 / 4)
    assert row.recall.value == pytest.approx(3 / 5)
    for found, (some, whole) in ((row.precision, (3, 4)), (row.recall, (3, 5))):
        expected = binomtest(some, whole).proportion_ci(0.95, method="wilson")
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    section = rejection_section([accepted, rejected])
    assert section is not None
    for write in WRITERS.values():
        assert "bisenet" in write(section)


def test_rejection_is_not_judged_where_nobody_knows() -> None:
    records = [part("bisenet", "exact", subset, EXACT) for subset in ("accepted", "rejected")]
    assert rejection_section(records) is None
