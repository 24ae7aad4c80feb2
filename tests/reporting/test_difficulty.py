"""Scores by quarter of the images, from records made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from l4f_bench.evaluation.records import ImageEntry, Record
from l4f_bench.reporting.difficulty import difficulty_rows, difficulty_section
from l4f_bench.reporting.difficulty_plot import write_plot
from l4f_bench.reporting.writers import WRITERS
from tests.records import record


def graded(num_images: int = 80) -> Record:
    """Image i is of size i / 80 and has i wrong pixels of 200; contrast is known of a half."""
    images = [
        ImageEntry(
            key=i,
            tp=100 - i,
            fp=0,
            fn=i,
            tn=100,
            size=i / 80,
            offset=0.0,
            contrast=float(i) if i % 2 else None,
        )
        for i in range(num_images)
    ]
    return replace(record(), images=images, n=num_images)


def miou(wrong: range) -> float:
    n, total = len(wrong), sum(wrong)
    return (1 - total / (100 * n) + 100 * n / (100 * n + total)) / 2


def test_every_quarter_is_scored_alone() -> None:
    size, offset, contrast = difficulty_rows([graded()])
    assert (size.trait, offset.trait, contrast.trait) == ("size", "offset", "contrast")
    assert (size.n, contrast.n) == (80, 40)
    assert size.ends == pytest.approx((19 / 80, 39 / 80, 59 / 80, 79 / 80))
    for number, score in enumerate(size.scores):
        assert score.value == pytest.approx(miou(range(20 * number, 20 * number + 20)))
        assert score.low <= score.value <= score.high
    assert contrast.scores[3].value == pytest.approx(miou(range(61, 80, 2)))
    assert [score.value for score in offset.scores] == [score.value for score in size.scores]


def test_small_records_and_old_ones_have_no_quarters() -> None:
    assert difficulty_section([graded(39), record()]) is None
    few = difficulty_rows([graded(60)])
    assert [row.trait for row in few] == ["size", "offset"]


def test_the_section_is_written_in_every_format_and_drawn(tmp_path: Path) -> None:
    section = difficulty_section([graded()])
    assert section is not None
    for write in WRITERS.values():
        assert "contrast" in write(section)
    pytest.importorskip("matplotlib")
    write_plot(difficulty_rows([graded()]), tmp_path / "plot.png")
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
