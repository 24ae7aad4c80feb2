from __future__ import annotations

import csv

import pytest

from l4f_bench.reporting.published import MASK_TABLES, published_fid, published_rows
from tests.goldens import SHARED


@pytest.mark.parametrize("table", MASK_TABLES)
def test_every_row_has_titles_and_scores(table: int) -> None:
    for row in published_rows(table):
        assert row.method_title
        assert row.dataset_title
        assert all(0 <= value <= 1 for value in row.printed.values())


def test_the_tables_have_as_many_rows_as_the_paper() -> None:
    assert [len(published_rows(table)) for table in MASK_TABLES] == [4, 6, 8, 4]
    assert len(published_fid()) == 8
    assert published_fid()["stylegan2", "ffhq"] == 2.82


def test_the_printed_pair_is_looked_up_the_right_way_round() -> None:
    row = next(r for r in published_rows(3) if (r.dataset, r.method) == ("car", "ours"))
    assert row.printed["iou_fg"] == 0.98
    assert row.value("iou_fg") == 0.95
    assert row.value("iou_bg") == 0.98
    assert row.value("miou") == row.printed["miou"] == 0.97


@pytest.mark.parametrize("table", range(1, 6))
def test_the_packaged_numbers_are_the_papers(table: int) -> None:
    source = SHARED / "paper" / f"table{table}.csv"
    if not source.exists():
        pytest.skip("the paper's tables are not at hand")
    with source.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if table == 5:
        expected = {
            (row["method"], key): float(value)
            for row in rows
            for key, value in row.items()
            if key != "method"
        }
        assert published_fid() == expected
    else:
        numbers = [[float(row[key]) for key in published_rows(table)[0].printed] for row in rows]
        assert [list(row.printed.values()) for row in published_rows(table)] == numbers
