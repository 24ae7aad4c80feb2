from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.evaluation.records import load_record
from l4f_bench.reporting.page import PAGE_FILE
from tests.cli.conftest import Run, save_masks, some_masks
from tests.goldens import SHARED
from tests.records import record

PRINTED = {"car": (0.95, 0.98, 0.97, 0.98, 0.98, 0.99, 0.99)}


@pytest.fixture
def custom_set(tmp_path: Path) -> Path:
    """The layout of the paper's custom set with cars that are found quite well."""
    preds, target = some_masks(n=3, side=64)
    preds = target.copy()
    preds[:, 16, 16:30] = False
    root = tmp_path / "custom"
    save_masks(root / "Cars" / "Mask_car_pred", preds, "Car{}.png")
    save_masks(root / "Cars" / "Mask_car_gt", target, "Car{}.png")
    (root / "Cars" / "data").mkdir()
    for index in range(3):
        Image.new("RGB", (64, 64), "grey").save(root / "Cars" / "data" / f"{index}.png")
    return root


def evaluated(run: Run, root: Path, out: Path, *more: object) -> dict[str, object]:
    result = run(
        "eval", "--dataset", "car", "--on", "custom", "--data", root, "--out", out, "--json", *more
    )
    assert result.exit_code == 0, result.stderr
    record: dict[str, object] = json.loads(result.stdout)["records"][0]
    return record


def test_a_record_says_what_ran(run: Run, custom_set: Path, tmp_path: Path) -> None:
    record = evaluated(run, custom_set, tmp_path / "run")
    assert record == json.loads((tmp_path / "run" / "record.json").read_text())
    assert record["label"] == "ours (published masks)"
    assert (record["method"], record["dataset"], record["setting"]) == ("ours", "car", "images")
    assert record["n"] == 3
    assert len(record["images"]) == 3
    assert set(record["digests"]) == {"preds", "target"}
    assert record["provenance"]["versions"]["l4f-bench"]
    assert (record["level"], record["truth"], record["threshold"]) == (128, "human", None)


def test_given_masks_are_scored_instead_of_the_published(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    _, target = some_masks(n=3, side=64)
    masks = save_masks(tmp_path / "masks", target)
    record = evaluated(
        run, custom_set, tmp_path / "run", "--masks", masks, "--method", "detectron2"
    )
    assert record["label"] == "Mask R-CNN R101-FPN (run by detectron2)"
    assert record["scores"]["iou_fg"]["value"] == 1


def test_another_configuration_never_overwrites_a_record(
    run: Run, custom_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for level in (128, 255, 128):
        result = run(
            "eval", "--on", "custom", "--dataset", "car", "--data", custom_set, "--level", level
        )
        assert result.exit_code == 0
    assert len(list((tmp_path / "runs").rglob("record.json"))) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--dataset", "cars"), 2, "Did you mean 'car'?"),
        (("--method", "our"), 2, "Did you mean 'ours'?"),
        (("--on", "costum"), 2, "Did you mean 'custom'?"),
        (("--protocol", "l4"), 2, "Did you mean 'l4f'?"),
        (("--dataset", "shapes"), 2, "are drawn. Leave out --data"),
        (("--method", "pseg"), 2, "--masks DIR"),
        (("--dataset", "horse"), 2, "Horse"),
        (("--level", "300"), 2, "--level 300"),
    ],
)
def test_wrong_use_is_refused_without_a_record(
    arguments: tuple[str, ...], code: int, message: str, run: Run, custom_set: Path, tmp_path: Path
) -> None:
    result = run(
        "eval",
        "--dataset",
        "car",
        "--on",
        "custom",
        "--data",
        custom_set,
        "--out",
        tmp_path / "run",
        *arguments,
    )
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_missing_data_ends_with_exit_code_3(run: Run) -> None:
    result = run("eval", "--on", "custom", "--dataset", "car")
    assert result.exit_code == 3
    assert "--data DIR" in result.stderr


def test_a_bad_mask_leaves_no_partial_record(run: Run, custom_set: Path, tmp_path: Path) -> None:
    (custom_set / "Cars" / "Mask_car_pred" / "Car2.png").write_text("hello")
    result = run(
        "eval",
        "--dataset",
        "car",
        "--on",
        "custom",
        "--data",
        custom_set,
        "--out",
        tmp_path / "run",
    )
    assert result.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_the_report_shows_published_beside_measured(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    evaluated(run, custom_set, tmp_path / "run")
    out = tmp_path / "tables"
    result = run("report", tmp_path / "run", "--format", "md,csv,tex,json", "--out", out)
    assert result.exit_code == 0, result.stderr
    assert {path.name for path in out.iterdir()} == {
        f"table3.{x}" for x in ("md", "csv", "tex", "json")
    }
    markdown = (out / "table3.md").read_text()
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines()]
    start = next(
        i for i, line in enumerate(lines) if line[:2] == ["Ours (published masks)", "LSUN-Car"]
    )
    assert lines[start][2:5] == ["published", "0.95/0.98†", "0.97"]  # printed as 0.98/0.95
    assert lines[start + 1][2] == "measured"
    assert lines[start + 1][-2:] == ["3", "l4f"]
    assert "printed in the other order" in markdown
    assert "n/a: no record given" in markdown
    assert r"\toprule" in (out / "table3.tex").read_text()


def test_differences_compare_foreground_with_foreground(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    record = evaluated(run, custom_set, tmp_path / "run")
    run("report", tmp_path / "run", "--format", "csv", "--out", tmp_path)
    with (tmp_path / "table3.csv").open() as file:
        cells = {
            row["metric"]: row
            for row in csv.DictReader(file)
            if (row["dataset"], row["method"]) == ("car", "ours")
        }
    for metric, printed in (("iou_fg", 0.95), ("iou_bg", 0.98), ("recall", 0.99)):
        value = record["scores"][metric]["value"]
        assert float(cells[metric]["published"]) == printed
        assert float(cells[metric]["difference"]) == pytest.approx(value - printed)
    assert cells["iou_fg"]["n"] == "3"


def test_unmeasured_cells_are_na_with_a_reason(run: Run, custom_set: Path, tmp_path: Path) -> None:
    evaluated(run, custom_set, tmp_path / "run")
    run("report", tmp_path / "run", "--format", "csv", "--out", tmp_path)
    with (tmp_path / "table3.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["dataset"] == "cat"]
    assert len(rows) == 14
    assert {(row["measured"], row["reason"]) for row in rows} == {("n/a", "no record given")}


def test_rows_of_another_protocol_are_shown_without_difference(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    evaluated(run, custom_set, tmp_path / "run", "--protocol", "voynov")
    result = run("report", tmp_path / "run", "--out", tmp_path)
    assert "| voynov" in result.stdout
    assert "protocol voynov is not the paper's" in result.stdout
    checked = run("report", tmp_path / "run", "--out", tmp_path, "--check", "1")
    assert checked.exit_code == 2
    assert "Nothing to check" in checked.stderr


def test_check_fails_where_a_cell_differs_by_more(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    record = evaluated(run, custom_set, tmp_path / "run")
    worst = max(
        abs(record["scores"][key]["value"] - printed)
        for key, printed in zip(record["scores"], PRINTED["car"], strict=True)
    )
    arguments = ("report", tmp_path / "run", "--out", tmp_path, "--check")
    assert run(*arguments, worst + 1e-6).exit_code == 0
    failed = run(*arguments, worst - 1e-6)
    assert failed.exit_code == 1
    assert "cells differ by more" in failed.stderr


def test_unknown_formats_and_foreign_files_are_refused(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    evaluated(run, custom_set, tmp_path / "run")
    result = run("report", tmp_path / "run", "--format", "markdwn,csv", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "Unknown format 'markdwn'" in result.stderr
    foreign = tmp_path / "foreign.json"
    foreign.write_text("{}")
    assert run("report", foreign, "--out", tmp_path / "out").exit_code == 2
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_read_is_named_and_costs_no_table(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    record = evaluated(run, custom_set, tmp_path / "run")
    newer = tmp_path / "newer" / "record.json"
    newer.parent.mkdir()
    newer.write_text(json.dumps({**record, "version": 3}))
    (tmp_path / "empty").mkdir()
    folders = (tmp_path / "empty", tmp_path / "run", tmp_path / "newer")
    out = tmp_path / "tables"
    result = run("report", *folders, "--format", "csv,html", "--out", out)
    assert result.exit_code == 2
    assert "version 3" in result.stderr
    assert "holds no record.json" in result.stderr
    assert "2 files or folders" in result.stderr.splitlines()[-1]
    with (out / "table3.csv").open() as file:
        assert any(row["measured"] != "n/a" for row in csv.DictReader(file))
    page = (out / "report.html").read_text()
    assert "version 3" in page
    assert "There is no examples.png" not in page  # eval wrote it


def test_a_reader_who_stops_early_costs_no_page(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise BrokenPipeError

    monkeypatch.setattr("l4f_bench.cli.report._print", stopped)
    record().save(tmp_path / "run" / "record.json")
    with pytest.raises(BrokenPipeError):
        run("report", tmp_path / "run", "--format", "html", "--out", tmp_path / "tables")
    assert (tmp_path / "tables" / PAGE_FILE).stat().st_size > 0


def test_one_figure_of_two_equal_records_is_shown_once(
    run: Run, custom_set: Path, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        evaluated(run, custom_set, tmp_path / name)
    result = run("report", tmp_path, "--format", "md", "--out", tmp_path / "tables")
    assert result.exit_code == 0
    assert result.stdout.count("Ours (published masks)") == 1


def test_a_terminal_gets_a_table_as_wide_as_it_is(
    run: Run, custom_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated(run, custom_set, tmp_path / "run")
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("TERM", "xterm")  # rich takes 80 columns for a dumb one
    for width in (20, 80, 300):
        monkeypatch.setattr("l4f_bench.cli.console.stdout._width", width)
        result = run("report", tmp_path / "run", "--out", tmp_path / "tables")
        assert result.exit_code == 0, result.stderr
        assert max(map(len, result.stdout.splitlines())) <= width
        assert "0.95/0.98†" in result.stdout
        assert ("95% interval" in result.stdout) == (width == 300)


def test_a_protocol_of_every_threshold_leaves_a_curve(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks(2)
    folders = [save_masks(tmp_path / name, m) for name, m in (("p", preds), ("t", target))]
    named = ("--name", "mine", "--protocol", "voynov", "--out", tmp_path / "run")
    assert run("score", *folders, *named).exit_code == 0
    record = load_record(tmp_path / "run" / "record.json")
    assert record.levels is not None
    (tp, _, fn, _), levels = record.counts().sum(0), np.array(record.levels)
    assert levels.shape == (2, 256)
    assert levels[1].sum() == tp + fn
    assert levels[1, 255] == tp
    out = tmp_path / "tables"
    assert run("report", tmp_path / "run", "--format", "html", "--out", out).exit_code == 0
    assert "over the threshold: best" in (out / "report.html").read_text()


FOUR_DIGITS = {
    "car": (0.9507, 0.9845, 0.98345, 0.97915, 0.9880, 0.9881),
    "horse": (0.9614, 0.9733, 0.98335, 0.9832, 0.98355, 0.9840),
}
CHECKED = ("iou_fg", "iou_bg", "f1", "precision", "recall", "accuracy")


@pytest.fixture
def published_masks() -> Path:
    root = SHARED / "custom-dataset"
    if not root.exists():
        pytest.skip("the paper's custom set is not at hand")
    return root


@pytest.mark.parametrize("dataset", ["car", "horse"])
def test_the_released_script_is_reproduced_to_four_digits(
    dataset: str, run: Run, published_masks: Path, tmp_path: Path
) -> None:
    result = run(
        "eval", "--dataset", dataset, "--on", "custom", "--data", published_masks,
        "--level", 255, "--json", "--out", tmp_path,
    )  # fmt: skip
    scores = json.loads(result.stdout)["records"][0]["scores"]
    found = [scores[key]["value"] for key in CHECKED]
    assert np.abs(np.array(found) - FOUR_DIGITS[dataset]).max() < 1e-4


def test_every_published_cell_of_ours_is_reproduced_at_two_digits(
    run: Run, published_masks: Path, tmp_path: Path
) -> None:
    for dataset in ("car", "horse"):
        out = tmp_path / dataset
        assert (
            run(
                "eval",
                "--dataset",
                dataset,
                "--on",
                "custom",
                "--data",
                published_masks,
                "--out",
                out,
            ).exit_code
            == 0
        )
    result = run("report", tmp_path, "--format", "json", "--out", tmp_path, "--check", 0.005)
    assert result.exit_code == 0, result.stderr
    rows = json.loads((tmp_path / "table3.json").read_text())["rows"]
    measured = [cell for cell in rows if cell["measured"] is not None]
    assert len(measured) == 14
    assert all(round(cell["measured"], 2) == cell["published"] for cell in measured)
