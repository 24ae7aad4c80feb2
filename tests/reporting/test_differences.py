"""Methods side by side, from records made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.reporting.differences import difference_rows, difference_section
from l4f_bench.reporting.writers import WRITERS
from tests.records import BISENET, EXACT, FOUND, record, samples

FIRST = samples(FOUND)
SECOND = samples(EXACT, method="pseg", method_title="PSeg")


def test_samples_of_two_methods_are_compared_unpaired() -> None:
    (row,) = difference_rows([FIRST, SECOND])
    assert (row.first, row.second, row.paired) == ("ours", "pseg", False)
    expected = (40 / 45 + 155 / 160) / 2 - (30 / 50 + 150 / 170) / 2
    assert row.differences["miou"].value == pytest.approx(expected)
    section = difference_section([FIRST, SECOND])
    assert section is not None
    assert "Ours - PSeg" in WRITERS["md"](section)
    assert f"{expected:+.4f}" in WRITERS["tex"](section)


def test_scores_of_the_same_images_are_paired() -> None:
    (row,) = difference_rows([record(FOUND), record(EXACT, method="bisenet")])
    assert row.paired
    alone = difference_rows([FIRST, SECOND])[0].differences["iou_bg"]
    together = row.differences["iou_bg"]
    assert abs(together.value) == pytest.approx(abs(alone.value))  # type: ignore[arg-type]
    assert np.isfinite([together.low, together.high]).all()  # type: ignore[list-item]


def test_other_images_are_not_paired() -> None:
    other = record(EXACT, method="bisenet", images_digest="shapes of 64 pixels, seed 1")
    (row,) = difference_rows([record(FOUND), other])
    assert not row.paired


@pytest.mark.parametrize(
    "change",
    [{"truncation": 1.0}, {"dataset": "car"}, {"protocol": PROTOCOLS.get("drc")},
     {"digests": {"annotator": "b"}}, {"method": "ours"}, {"subset": "accepted"},
     {"threshold": 0.5}, {"annotator": replace(BISENET, foreground=("hair",))},
     {"annotator": replace(BISENET, min_score=0.9)}],
)  # fmt: skip
def test_what_was_made_otherwise_is_not_compared(change: dict[str, object]) -> None:
    assert difference_rows([FIRST, replace(SECOND, **change)]) == []  # type: ignore[arg-type]
    assert difference_section([FIRST, replace(SECOND, **change)]) is None  # type: ignore[arg-type]


def test_a_screen_is_named_and_is_no_other_truth() -> None:
    screened = replace(SECOND, annotator=replace(BISENET, screen=BISENET))
    section = difference_section([FIRST, screened])
    assert section is not None
    assert "Ours - PSeg (screened)" in WRITERS["md"](section)


def test_a_method_that_is_not_installed_has_its_own_title_and_comes_last() -> None:
    theirs = replace(SECOND, method="theirs", method_title="Theirs")
    section = difference_section([theirs, FIRST])
    assert section is not None
    assert "Ours - Theirs" in WRITERS["md"](section)
