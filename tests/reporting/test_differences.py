"""Methods side by side, from records made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from l4f_bench.errors import InputError
from l4f_bench.reporting.differences import difference_rows, difference_section
from l4f_bench.reporting.writers import WRITERS
from tests.reporting.test_trust import EXACT, FOUND, record

FIRST = replace(record("ours", "bisenet", "all", FOUND), setting="sampled", truncation=0.7)
SECOND = replace(record("pseg", "bisenet", "all", EXACT), setting="sampled", truncation=0.7)


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
    same = [replace(one, setting="real", truth="exact") for one in (FIRST, SECOND)]
    (row,) = difference_rows(same)
    assert row.paired
    alone = difference_rows([FIRST, SECOND])[0].differences["iou_bg"]
    together = row.differences["iou_bg"]
    assert together.value == alone.value
    assert np.isfinite([together.low, together.high]).all()  # type: ignore[list-item]


@pytest.mark.parametrize("setting", ["real", "custom"])
def test_images_of_another_seed_or_folder_are_not_paired(setting: str) -> None:
    same = [replace(one, setting=setting, truth="exact") for one in (FIRST, SECOND)]
    if setting == "real":
        same = [replace(one, config={"seed": seed}) for seed, one in enumerate(same)]
    else:
        same = [replace(one, digests={"target": str(n)}) for n, one in enumerate(same)]
    (row,) = difference_rows(same)
    assert not row.paired


@pytest.mark.parametrize(
    "change",
    [{"truncation": 1.0}, {"dataset": "car"}, {"protocol": "drc"}, {"digests": {"annotator": "b"}},
     {"method": "ours"}, {"subset": "accepted"}, {"annotation": {"foreground": ["hair"]}},
     {"annotation": {"min_score": 0.9}}],
)  # fmt: skip
def test_what_was_made_otherwise_is_not_compared(change: dict[str, object]) -> None:
    assert difference_rows([FIRST, replace(SECOND, **change)]) == []  # type: ignore[arg-type]
    assert difference_section([FIRST, replace(SECOND, **change)]) is None  # type: ignore[arg-type]


def test_a_screen_is_named_and_is_no_other_truth() -> None:
    screened = replace(SECOND, annotation={**SECOND.annotation, "screen": {"name": "mask-rcnn"}})
    section = difference_section([FIRST, screened])
    assert section is not None
    assert "Ours - PSeg (screened)" in WRITERS["md"](section)


def test_a_method_that_is_not_installed_is_named() -> None:
    with pytest.raises(InputError, match="Unknown method 'theirs'"):
        difference_rows([FIRST, replace(SECOND, method="theirs")])
