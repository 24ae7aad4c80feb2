from __future__ import annotations

import csv
import json
import os
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
    assert result.stderr.startswith("Warning: The intervals are over 8 images")
    assert result.stderr.count("\n") == 1
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
    assert "1 of 1 predicted masks have more than two grey levels (1.png: levels" in result.stderr
    assert "moves from 1.0000 at level 64 to 0.5833 at level 192" in result.stderr
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
    said = (
        "4 of 4 predicted masks have no pixel from level 128 up and count as empty (1.png: levels 0"
    )
    assert said in result.stderr
    turned = run("score", *folders, "--invert")
    assert "once inverted, have no pixel below level 128 and count as full" in turned.stderr
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


def test_a_level_of_the_truth_can_be_left_out(run: Run, tmp_path: Path) -> None:
    target = np.array([[0, 0, 1, 1, 255, 255]], np.uint8).repeat(4, 0)
    preds = np.array([[0, 1, 1, 1, 1, 0]], bool).repeat(4, 0)
    folders = save_masks(tmp_path / "p", preds[None]), tmp_path / "t"
    folders[1].mkdir()
    Image.fromarray(target).save(folders[1] / "1.png")
    result = run("score", *folders)
    assert "1 of 1 true masks have more than two grey levels (1.png: levels 0, 1 and 255)" in (
        result.stderr
    )
    arguments = (*folders, "--level", 1, "--ignore-level", 255)
    scores = scores_of(run, *arguments)
    assert scores["iou_fg"]["value"] == pytest.approx(2 / 3)
    assert scores["accuracy"]["value"] == pytest.approx(3 / 4)
    assert run("score", *arguments).stderr == ""
    csv_path = tmp_path / "scores.csv"
    assert run("score", *arguments, "--per-image", csv_path).exit_code == 0
    assert csv_path.read_text().splitlines()[1].startswith("1.png,1.png,8,4,0,4,")


def test_a_level_to_ignore_and_bars_are_both_left_out(run: Run, tmp_path: Path) -> None:
    target = np.zeros((4, 6), np.uint8)
    target[1:3, 2:] = 255
    target[1:3, 5] = 100
    folders = save_masks(tmp_path / "p", np.ones((1, 4, 6), bool)), tmp_path / "t"
    folders[1].mkdir()
    Image.fromarray(target).save(folders[1] / "1.png")
    (tmp_path / "i").mkdir()
    image = np.full((4, 6), 90, np.uint8)
    image[0] = image[3] = 0
    Image.fromarray(image).save(tmp_path / "i" / "1.png")
    bars = ("--ignore-bars", "--images", tmp_path / "i")
    result = run("score", *folders, "--ignore-level", 100, *bars, "--json")
    content = json.loads(result.stdout)
    assert content["scores"]["accuracy"]["value"] == pytest.approx(6 / 10)
    assert content["scores_with_bars"]["accuracy"]["value"] == pytest.approx(6 / 22)


@pytest.mark.parametrize("level", [-1, 256])
def test_a_level_to_ignore_that_is_none_is_refused(level: int, run: Run, folders: Folders) -> None:
    message = refused(run, "score", *folders, "--ignore-level", level)
    assert f"--ignore-level {level} is not a grey level" in message


def test_a_level_to_ignore_that_no_mask_has_is_said(run: Run, folders: Folders) -> None:
    result = run("score", *folders, "--ignore-level", 77)
    assert "No true mask has the level 77 of --ignore-level" in result.stderr


def test_soft_masks_are_told_by_how_far_the_score_moves(run: Run, tmp_path: Path) -> None:
    target = np.zeros((8, 8), bool)
    target[2:6, 2:6] = True
    soft = np.zeros((8, 8), np.uint8)
    soft[2:6, 2:6], soft[0], soft[2:4, 2:6] = 200, 100, 150
    folders = tmp_path / "p", save_masks(tmp_path / "t", target[None])
    folders[0].mkdir()
    Image.fromarray(soft).save(folders[0] / "1.png")
    result = run("score", *folders)

    def miou(level: int) -> float:
        pred = soft >= level
        both = [
            ((pred == k) & (target == k)).sum() / ((pred == k) | (target == k)).sum()
            for k in (False, True)
        ]
        return float(np.mean(both))

    assert f"mIoU moves from {miou(64):.4f} at level 64 to {miou(192):.4f} at level 192" in (
        result.stderr
    )
    inverted = tmp_path / "inverted"
    inverted.mkdir()
    Image.fromarray(255 - soft).save(inverted / "1.png")
    turned = run("score", inverted, folders[1], "--invert")
    assert f"from {miou(64):.4f} at level 64 to {miou(192):.4f}" in turned.stderr


def test_one_deep_mask_among_plain_ones_counts_like_them(run: Run, folders: Folders) -> None:
    expected = scores_of(run, *folders)
    with Image.open(folders[0] / "2.png") as image:
        levels = np.asarray(image).astype(np.uint16)
    Image.fromarray(levels).save(folders[0] / "2.png")
    result = run("score", *folders, "--json")
    assert json.loads(result.stdout)["scores"] == expected
    assert "1 of 4 predicted masks have 16 bits or more" in result.stderr
    assert "(2.png)" in result.stderr


def test_nested_masks_pair_by_their_paths(run: Run, tmp_path: Path) -> None:
    preds, target = some_masks()
    for side, masks in (("p", preds), ("t", target)):
        save_masks(tmp_path / side / "a", masks[:2])
        save_masks(tmp_path / side / "b" / "c", masks[2:])
    path = tmp_path / "scores.csv"
    result = run("score", tmp_path / "p", tmp_path / "t", "--per-image", path, "--json")
    scores = json.loads(result.stdout)["scores"]
    assert scores["accuracy"]["value"] == pytest.approx((preds == target).mean())
    with path.open() as file:
        names = [(row["preds"], row["target"]) for row in csv.DictReader(file)]
    assert names == [(name, name) for name in ("a/1.png", "a/2.png", "b/c/1.png", "b/c/2.png")]


def test_files_that_are_passed_over_are_counted(run: Run, folders: Folders) -> None:
    (folders[0] / "5.heic").touch()
    (folders[1] / "readme.txt").touch()
    result = run("score", *folders)
    assert result.exit_code == 0
    assert f"Passed over in {folders[0]}: other files (1 .heic)." in result.stderr
    assert str(folders[1]) not in result.stderr


def test_few_images_carry_a_note_on_their_intervals(run: Run, tmp_path: Path) -> None:
    for number, noted in ((1, False), (2, True), (29, True), (30, False)):
        preds, target = some_masks(number)
        folders = [
            save_masks(tmp_path / f"{number}{s}", m) for s, m in (("p", preds), ("t", target))
        ]
        result = run("score", *folders)
        assert ("percentile intervals are optimistic" in result.stderr) == noted


def test_names_of_any_bytes_are_scored(run: Run, folders: Folders, tmp_path: Path) -> None:
    for folder in folders:
        (folder / "1.png").rename(folder / "\u2028.png")
        (folder / "2.png").rename(folder / os.fsdecode(b"\xff.png"))
    path = tmp_path / "scores.csv"
    result = run("score", *folders, "--per-image", path, "--json")
    assert result.exit_code == 0
    assert "\\xff.png" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["tif", "gif"])
def test_masks_of_several_pages_are_refused(ending: str, run: Run, folders: Folders) -> None:
    pages = [Image.new("L", (16, 16), level) for level in (0, 255)]
    (folders[0] / "2.png").unlink()
    pages[0].save(folders[0] / f"2.{ending}", save_all=True, append_images=pages[1:])
    assert f"2.{ending} holds 2 pages" in refused(run, "score", *folders)


def test_what_is_no_file_is_refused(run: Run, folders: Folders) -> None:
    path = folders[0] / "2.png"
    for make, said in (
        (lambda: path.symlink_to("nowhere"), "is a link to nothing"),
        (lambda: path.symlink_to("2.png"), "cannot be opened"),
        (lambda: os.mkfifo(path), "pipe or device"),
        (lambda: path.symlink_to("/dev/zero"), "pipe or device"),
    ):
        path.unlink()
        make()
        assert said in refused(run, "score", *folders)


def test_images_that_are_all_bars_are_said(run: Run, folders: Folders, tmp_path: Path) -> None:
    images = save_masks(tmp_path / "images", np.zeros((4, 16, 16), bool))
    Image.new("L", (16, 16), 9).save(images / "1.png")
    result = run("score", *folders, "--ignore-bars", "--images", images)
    assert "3 images are black all over, so that no pixel of theirs counts" in result.stderr
