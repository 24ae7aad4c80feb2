"""The command audit: verdicts, the rounding at which rows fail, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run

TABLE = "method,iou_fg,f1,accuracy\ngood,0.50,0.67,0.90\nbad,0.50,0.80,0.90\n"


def test_the_command_prints_where_a_row_begins_to_fail(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    shown = run("audit", path, "--protocol", "drc")
    (good, bad) = json.loads(run("audit", path, "--protocol", "drc", "--json").stdout)["rows"]
    assert "1 of 2 rows fit" in shown.stdout
    assert "0.6622 to 0.6711" in shown.stdout  # 2 IoU / (1 + IoU) for 0.495 and 0.505
    assert good["consistent"]
    assert good["fails_below"] < 0.005 < bad["fails_below"]
    assert list(bad["cells"]) == ["f1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere.csv",), "nowhere.csv is no file"),
        (("--protocol", "voynov"), "means over images"),
        (("--protocol", "x"), "Unknown protocol 'x'"),
    ],
)
def test_bad_input_of_the_command_is_one_line(
    arguments: tuple[str, ...], said: str, run: Run
) -> None:
    result = run("audit", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_bytes_are_no_table(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xff\xfe\x00iou")
    assert "is no text in UTF-8" in run("audit", path).stderr
