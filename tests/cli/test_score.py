from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import l4f_bench
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.metrics.scores import TABLE_METRICS
from tests.cli.conftest import Run, save_masks, some_masks

EXAMPLE = Path(l4f_bench.__file__).parent / "assets" / "example"
Folders = tuple[Path, Path]


def scores_of(run: Run, *arguments: object) -> dict[str, dict[str, float]]:
    result = run("score", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    found: dict[str, dict[str, float]] = json.loads(result.stdout)["scores"]
    return found


def refused(run: Run, *arguments: object) -> str:
    """The one-line message of a run that must end with exit code 2 and print nothing else."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Error: ")
    return result.stderr


def test_the_readme_example_scores(run: Run) -> None:
    result = run("score", EXAMPLE / "preds", EXAMPLE / "truth")
    assert result.exit_code == 0
    assert result.stderr == ""
    header, score, low, high, constant, shifted = result.stdout.splitlines()
    assert header.split()[:2] == ["IOU", "fg/bg"]
    assert score.split()[-2:] == ["8", "l4f"]
    assert low.startswith("95% from")
    assert high.startswith("95% to")
    assert constant.startswith("constant mask")
    assert shifted.startswith("next image's truth")


def test_json_has_the_documented_form(run: Run, folders: Folders) -> None:
    result = run("score", *folders, "--json")
    content = json.loads(result.stdout)
    assert set(content) >= {"scores", "n", "protocol"}
    assert content["n"] == 4
    assert content["protocol"] == "l4f"
    assert tuple(content["scores"]) == TABLE_METRICS
    assert all(set(score) == {"value", "low", "high"} for score in content["scores"].values())


def test_scores_are_those_of_the_pooled_counts(run: Run, folders: Folders) -> None:
    preds, target = some_masks()
    scores = scores_of(run, *folders)
    assert scores["accuracy"]["value"] == pytest.approx((preds == target).mean())
    fg = (preds & target).sum() / (preds | target).sum()
    assert scores["iou_fg"]["value"] == pytest.approx(fg)


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_every_protocol_runs(name: str, run: Run, folders: Folders) -> None:
    assert tuple(scores_of(run, *folders, "--protocol", name)) == PROTOCOLS.get(name).metrics


def test_invert_turns_predictions_round(run: Run, tmp_path: Path) -> None:
    _, target = some_masks()
    preds = save_masks(tmp_path / "preds", ~target)
    truth = save_masks(tmp_path / "truth", target)
    assert scores_of(run, preds, truth)["iou_fg"]["value"] == 0
    assert scores_of(run, preds, truth, "--invert")["iou_fg"]["value"] == 1


@pytest.mark.parametrize("workers", [1, 3])
def test_the_number_of_workers_changes_nothing(workers: int, run: Run, folders: Folders) -> None:
    assert scores_of(run, *folders, "--workers", workers) == scores_of(run, *folders)


def test_limit_takes_the_first_pairs_in_natural_order(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks(11)
    folders = save_masks(tmp_path / "p", preds), save_masks(tmp_path / "t", target)
    scores = scores_of(run, *folders, "--limit", 2)
    assert scores["accuracy"]["value"] == pytest.approx((preds[:2] == target[:2]).mean())


def test_pairing_by_order_is_said_on_stderr(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks()
    folders = save_masks(tmp_path / "p", preds), save_masks(tmp_path / "t", target, "Face{}.png")
    result = run("score", *folders, "--json")
    assert result.exit_code == 0
    assert "paired by natural order (1.png with Face1.png" in result.stderr
    json.loads(result.stdout)


def test_grey_masks_are_cut_at_the_level_and_said_to_be(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "t").mkdir()
    Image.fromarray(np.array([[0, 100, 200, 255]], np.uint8)).save(tmp_path / "p" / "1.png")
    Image.fromarray(np.array([[0, 255, 255, 255]], np.uint8)).save(tmp_path / "t" / "1.png")
    result = run("score", tmp_path / "p", tmp_path / "t", "--json")
    assert "50.000% of all pixels lie in between" in result.stderr
    assert json.loads(result.stdout)["scores"]["iou_fg"]["value"] == pytest.approx(2 / 3)
    for level, iou in ((100, 1), (101, 2 / 3), (255, 1 / 3)):
        found = scores_of(run, tmp_path / "p", tmp_path / "t", "--level", level)
        assert found["iou_fg"]["value"] == pytest.approx(iou)


def test_masks_of_zeros_and_ones_are_noticed(run: Run, folders: Folders, tmp_path: Path) -> None:
    for path in folders[0].iterdir():
        with Image.open(path) as image:
            levels = (np.asarray(image) > 0).astype(np.uint8)
        Image.fromarray(levels).save(path)
    result = run("score", *folders)
    assert "have no pixel from level 128 up (brightest: 1)" in result.stderr
    assert scores_of(run, *folders, "--level", 1)["iou_fg"]["value"] > 0.5


def test_masks_of_one_class_print_na(run: Run, tmp_path: Path) -> None:
    nothing = np.zeros((3, 8, 8), bool)
    folders = save_masks(tmp_path / "p", nothing), save_masks(tmp_path / "t", nothing)
    result = run("score", *folders)
    assert result.exit_code == 0
    assert "n/a/1.0000" in result.stdout
    scores = scores_of(run, *folders)
    assert scores["iou_fg"] == {"value": None, "low": None, "high": None}
    assert scores["f1"]["value"] is None


def test_per_image_scores_are_written(run: Run, folders: Folders, tmp_path: Path) -> None:
    preds, target = some_masks()
    path = tmp_path / "out" / "scores.csv"
    assert run("score", *folders, "--per-image", path).exit_code == 0
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["preds"] for row in rows] == ["1.png", "2.png", "3.png", "4.png"]
    assert int(rows[2]["tp"]) == (preds[2] & target[2]).sum()
    assert float(rows[2]["accuracy"]) == pytest.approx((preds[2] == target[2]).mean())


def test_bars_are_left_out_and_both_scores_reported(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks()
    folders = save_masks(tmp_path / "p", preds), save_masks(tmp_path / "t", target)
    (tmp_path / "images").mkdir()
    pixels = np.full((16, 16, 3), 40, np.uint8)
    pixels[:3], pixels[-3:] = 0, 0
    for index in range(1, 5):
        Image.fromarray(pixels).save(tmp_path / "images" / f"{index}.png")
    arguments = (*folders, "--ignore-bars", "--images", tmp_path / "images")
    result = run("score", *arguments)
    assert "without bars" in result.stdout
    assert "with bars" in result.stdout
    content = json.loads(run("score", *arguments, "--json").stdout)
    inside = (preds == target)[:, 3:-3].mean()
    assert content["scores"]["accuracy"]["value"] == pytest.approx(inside)
    whole = content["scores_with_bars"]["accuracy"]["value"]
    assert whole == pytest.approx((preds == target).mean())


def test_bars_without_images_are_refused(run: Run, folders: Folders) -> None:
    assert "Add --images DIR" in refused(run, "score", *folders, "--ignore-bars")


def test_a_missing_folder_is_refused(run: Run, folders: Folders, tmp_path: Path) -> None:
    message = refused(run, "score", tmp_path / "none", folders[1])
    assert f"{tmp_path / 'none'} does not exist" in message


def test_an_empty_folder_is_refused(run: Run, folders: Folders, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "holds no images" in refused(run, "score", folders[0], tmp_path / "empty")


def test_unequal_counts_are_refused(run: Run, folders: Folders) -> None:
    (folders[1] / "3.png").unlink()
    assert "without partner: preds/3.png" in refused(run, "score", *folders)


def test_different_sizes_are_refused_with_both(run: Run, folders: Folders) -> None:
    Image.new("L", (20, 10)).save(folders[1] / "2.png")
    message = refused(run, "score", *folders)
    assert "2.png is 16x16 pixels" in message
    assert "20x10" in message


def test_a_text_file_named_png_is_refused(run: Run, folders: Folders) -> None:
    (folders[0] / "2.png").write_text("hello")
    assert "2.png is not an image" in refused(run, "score", *folders)


def test_a_truncated_png_is_refused(run: Run, folders: Folders) -> None:
    path = folders[0] / "2.png"
    path.write_bytes(path.read_bytes()[:60])
    assert "2.png" in refused(run, "score", *folders)


def test_an_unknown_protocol_is_answered_with_the_nearest(run: Run, folders: Folders) -> None:
    message = refused(run, "score", *folders, "--protocol", "self-mask")
    assert "Did you mean 'selfmask'?" in message


@pytest.mark.parametrize("option", [("--level", 0), ("--level", 256), ("--limit", 0)])
def test_options_out_of_range_are_refused(
    option: tuple[str, int], run: Run, folders: Folders
) -> None:
    assert option[0] in refused(run, "score", *folders, *option)


def test_nothing_is_written_when_a_file_is_bad(run: Run, folders: Folders, tmp_path: Path) -> None:
    (folders[0] / "4.png").write_text("hello")
    refused(run, "score", *folders, "--per-image", tmp_path / "out" / "scores.csv")
    assert not (tmp_path / "out").exists()


def test_help_does_not_import_torch() -> None:
    code = (
        "import sys, l4f_bench.cli; sys.exit(bool({'torch', 'pandas', 'numpy'} & {*sys.modules}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scoring_does_not_import_torch(folders: Folders) -> None:
    code = (
        "import sys; from l4f_bench.cli import app\n"
        f"try: app(['score', {str(folders[0])!r}, {str(folders[1])!r}])\n"
        "except SystemExit: pass\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
