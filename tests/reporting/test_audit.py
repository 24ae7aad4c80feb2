"""Anybody's table, and the paper's, against confusion matrices."""

from __future__ import annotations

from pathlib import Path

import pytest

from l4f_bench.errors import InputError
from l4f_bench.reporting.audit import PrintedRow, audit, paper_rows, read_rows

HEAD = "method,iou_fg,f1,accuracy\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_published_rows_contradict_themselves_at_their_two_digits() -> None:
    rows = audit(paper_rows())
    assert len(rows) == 22
    wrong = {row.row.label: set(row.fit.wrong) for row in rows if not row.consistent}
    assert wrong == {
        "Table 2 cat pseg psi 1.0": {"accuracy"},
        "Table 2 horse pseg psi 1.0": {"f1"},
        "Table 2 car pseg psi 1.0": {"iou_bg", "miou"},
    }
    begins = {row.row.label: row.fit.fits_from for row in rows}
    assert begins["Table 2 cat pseg psi 1.0"] == pytest.approx(0.00538, abs=1e-5)


def test_exchanging_fg_and_bg_changes_nothing() -> None:
    row = next(row for row in paper_rows() if "ffhq ours" in row.label)
    swapped = row.printed | {"iou_fg": row.printed["iou_bg"], "iou_bg": row.printed["iou_fg"]}
    both = [row, PrintedRow(label="swapped", printed=swapped, digits=2)]
    one, other = (found.fit.fits_from for found in audit(both))
    assert one == pytest.approx(other, abs=1e-6)


def test_columns_are_found_however_they_are_written(tmp_path: Path) -> None:
    text = "Method,Data,IoU fg/bg,F1,Acc,n\nours, cats ,0.91/0.975,0.972,-,8\n"
    (row,) = read_rows(table(tmp_path, text))
    assert row.label == "ours cats 8"
    assert row.printed == {"iou_fg": 0.91, "iou_bg": 0.975, "f1": 0.972}
    assert row.digits == 3


@pytest.mark.parametrize(
    ("cells", "printed", "digits"),
    [
        ("91.3,95.4,98", {"iou_fg": 0.913, "f1": 0.954, "accuracy": 0.98}, 3),
        ("91.3%,95.4 %,98.0", {"iou_fg": 0.913, "f1": 0.954, "accuracy": 0.98}, 3),
        ("1,0.5,", {"iou_fg": 1.0, "f1": 0.5}, 1),
    ],
)
def test_percentages_and_digits(
    cells: str, printed: dict[str, float], digits: int, tmp_path: Path
) -> None:
    (row,) = read_rows(table(tmp_path, f"{HEAD}ours,{cells}\n"))
    assert row.printed == pytest.approx(printed)
    assert row.digits == digits


def test_a_column_of_digits_says_what_a_spreadsheet_dropped(tmp_path: Path) -> None:
    (row,) = read_rows(table(tmp_path, "iou,f1,digits\n0.9,0.9,3\n"))
    assert row.rounding == pytest.approx(0.0005)
    assert row.label == "line 2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs two or more columns"),
        ("method,f1\na,0.5\n", "needs two or more columns"),
        ("iou,iou_fg,f1\n1,1,1\n", "each once"),
        (f"{HEAD}a,0.5\n", "line 2 has another number of cells"),
        (f"{HEAD}a,1,1,1,1\n", "line 2 has another number of cells"),
        (f"{HEAD}a,0.5,,\n", "fewer than two scores"),
        (f"{HEAD}a,0.5,nan,1\n", "f1 is 'nan'"),
        (f"{HEAD}a,0.5,-1,1\n", "f1 is '-1'"),
        (f"{HEAD}a,0.5,1e9,1\n", "f1 is '1e9'"),
        (f"{HEAD}a,0.5,101,1\n", "f1 is '101'"),
        (f"{HEAD}a,0.5,\u0663,1\n", "f1 is"),
        ("iou,f1,digits\n0.5,0.5,99\n", "digits are '99'"),
        (f'{HEAD}"a{"b" * 200_000}",1,1,1\n', "is no CSV file"),
    ],
)
def test_what_is_no_table_of_scores_is_refused_in_one_line(
    text: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=said):
        read_rows(table(tmp_path, text))
