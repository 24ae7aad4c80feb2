from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from l4f_bench.metrics.protocols import PROTOCOLS, finish
from l4f_bench.reporting.audit import ROUNDING, audit, audit_row, bounds, scores_of_shares
from l4f_bench.reporting.published import PublishedRow

MATRIX = st.lists(st.integers(1, 10_000), min_size=4, max_size=4)


def scores(matrix: list[int]) -> dict[str, float]:
    found = finish(PROTOCOLS.get("l4f"), np.array(matrix, float), np.empty(0), 1)
    return {key: float(value) for key, value in found.items()}


def row(printed: dict[str, float]) -> PublishedRow:
    return PublishedRow(table=2, dataset="car", method="ours", truncation=None, printed=printed)


@settings(max_examples=60)
@given(MATRIX)
def test_what_one_confusion_matrix_gives_is_consistent(matrix: list[int]) -> None:
    assert audit_row(
        row({key: round(value, 2) for key, value in scores(matrix).items()})
    ).consistent


@given(MATRIX)
def test_the_arithmetic_of_shares_agrees_with_counting(matrix: list[int]) -> None:
    exact = scores(matrix)
    _, fp, fn, _ = matrix
    again = scores_of_shares(
        np.array(exact["iou_fg"]), np.array(exact["iou_bg"]), np.array(fp / (fp + fn))
    )
    assert {key: float(value) for key, value in again.items()} == pytest.approx(exact)


@given(MATRIX)
def test_exact_scores_lie_within_their_bounds(matrix: list[int]) -> None:
    exact = scores(matrix)
    for key, (low, high) in bounds(exact).items():
        assert low - 1e-9 <= exact[key] <= high + 1e-9


@settings(max_examples=30)
@given(MATRIX, st.sampled_from(["f1", "accuracy", "miou"]), st.sampled_from([-0.1, 0.1]))
def test_a_cell_that_is_far_off_is_found(matrix: list[int], cell: str, error: float) -> None:
    printed = scores(matrix)
    low, high = bounds(printed)[cell]
    printed[cell] = (low if error < 0 else high) + error
    assert cell in audit_row(row(printed)).cells


def test_swapping_the_classes_changes_nothing() -> None:
    for audited in audit():
        printed = audited.row.printed
        swapped = printed | {"iou_fg": printed["iou_bg"], "iou_bg": printed["iou_fg"]}
        assert audit_row(row(swapped)).cells == audited.cells


def test_two_rows_of_table_2_fit_no_confusion_matrix() -> None:
    rows = audit()
    assert len(rows) == 22
    wrong = {(r.row.table, r.row.dataset, r.row.method): r.cells for r in rows if not r.consistent}
    assert wrong == {
        (2, "horse", "pseg"): ("f1",),
        (2, "car", "pseg"): ("f1", "accuracy"),
    }


def test_rounding_covers_two_digits() -> None:
    assert 0.005 <= ROUNDING < 0.01
