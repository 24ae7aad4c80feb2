"""Image sets by their public layouts and folders of one's own, through the commands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from tests.cli.bright import install
from tests.cli.conftest import Run
from tests.datasets.layouts import LAYOUTS, NAMES, build, file_of, name_of, object_of, save

SIDE = 24


@pytest.fixture(autouse=True)
def _bright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path / "packages", monkeypatch)


@pytest.fixture
def own(tmp_path: Path) -> tuple[Path, Path]:
    """Images, and true masks of half of what is bright in them, in sub-folders."""
    for name in ("a/1", "b/1"):
        pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
        pixels[4:12] = 255
        save(tmp_path / "images" / f"{name}.png", pixels)
        save(tmp_path / "truth" / f"{name}.png", pixels[..., 0])
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[4:8] = 255
    save(tmp_path / "truth" / "b" / "1.png", half)
    return tmp_path / "images", tmp_path / "truth"


def evaluated(run: Run, out: Path, *arguments: object) -> dict[str, Any]:
    result = run("eval", "images", "--json", "--out", out, *arguments)
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    return dict(record)


def refused(run: Run, *arguments: object) -> str:
    result = run("eval", "images", *arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1
    return str(result.stderr)


@pytest.mark.parametrize("spec", LAYOUTS, ids=lambda spec: spec.name)
def test_masks_on_disk_are_scored_on_every_layout(
    spec: DatasetSpec, run: Run, tmp_path: Path
) -> None:
    data = build(spec, tmp_path / "data")
    _, _, pattern = spec.layout[0].rpartition("/")
    for name in NAMES:
        path = file_of(tmp_path / "masks", pattern, name).with_suffix(".png")
        save(path, object_of(name).astype(np.uint8) * 255)
    record = evaluated(
        run, tmp_path / "run", "--dataset", spec.name, "--data", data, "--masks",
        tmp_path / "masks", "--protocol", "voynov",
    )  # fmt: skip
    assert (record["dataset"], record["dataset_title"]) == (spec.name, spec.title)
    assert (record["n"], record["truth"]) == (3, "human")
    assert record["scores"]["iou_fg"]["value"] == 1
    for entry in record["images"]:
        assert entry["tp"] == object_of(name_of(spec, entry["key"])).sum()


@pytest.mark.parametrize("spec", LAYOUTS, ids=lambda spec: spec.name)
def test_a_method_runs_on_every_layout_whatever_the_sizes(
    spec: DatasetSpec, run: Run, tmp_path: Path
) -> None:
    data = build(spec, tmp_path / "data")
    record = evaluated(
        run, tmp_path / "run", "--dataset", spec.name, "--data", data, "--method", "bright"
    )
    # The shades are 60, 120 and 180: all of the last image is bright, and nothing of the others.
    last = object_of(NAMES[2])
    found = {name_of(spec, e["key"]): (e["tp"], e["fp"]) for e in record["images"]}
    assert found == dict.fromkeys(NAMES[:2], (0, 0)) | {NAMES[2]: (last.sum(), (~last).sum())}
    assert (tmp_path / "run" / "examples.png").is_file()


def test_published_numbers_stand_beside_the_measured(run: Run, tmp_path: Path) -> None:
    spec = DATASETS.get("ecssd")
    data = build(spec, tmp_path / "data")
    arguments = ("--dataset", "ecssd", "--data", data, "--method", "bright", "--protocol", "voynov")
    evaluated(run, tmp_path / "run", *arguments)
    report = run("report", tmp_path / "run", "--out", tmp_path / "tables", "--format", "md,json")
    assert report.exit_code == 0, report.stderr
    assert "published: FOUND (CVPR 2023), Table 2" in report.stdout
    assert "right against human masks" in report.stdout
    rows = json.loads((tmp_path / "tables" / "ecssd.json").read_text())["rows"]
    assert {row["method"] for row in rows} >= {"bright", "tokencut", "found"}
    assert all(row["measured"] is None for row in rows if row["method"] == "found")
    assert all(row["published"] is None for row in rows if row["method"] == "bright")


@pytest.mark.parametrize("spec", LAYOUTS, ids=lambda spec: spec.name)
def test_a_layout_that_is_half_there_ends_with_one_line(
    spec: DatasetSpec, run: Run, tmp_path: Path
) -> None:
    data = build(spec, tmp_path / "data")
    (data / spec.layout[0].partition("/")[0]).rename(tmp_path / "elsewhere")
    said = refused(run, "--dataset", spec.name, "--data", data, "--method", "bright")
    assert f"is expected in {data} as {spec.layout[0]} and {spec.layout[1]}" in said


def test_a_data_set_that_was_not_given_ends_with_exit_code_3(run: Run) -> None:
    result = run("eval", "images", "--dataset", "ecssd", "--method", "bright")
    assert result.exit_code == 3
    assert "ground_truth_mask" in result.stderr
    assert result.stderr.count("\n") == 1


def test_two_folders_of_one_s_own_make_a_record_and_a_table(
    run: Run, own: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ("--images", own[0], "--truth", own[1], "--name", "My-cows.v2")
    result = run("eval", *arguments, "--method", "bright", "--json")
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    assert record["dataset"] == record["dataset_title"] == "My-cows.v2"
    assert [(entry["key"], entry["tp"], entry["fp"]) for entry in record["images"]] == [
        ("a/1.png", 8 * SIDE, 0), ("b/1.png", 4 * SIDE, 4 * SIDE),
    ]  # fmt: skip
    assert record["truth"] == "human"
    assert record["config"]["images"] == str(own[0])
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("bright-My-cows.v2-images-")
    report = run("report", "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "## My-cows.v2: scores of masks" in report.stdout
    assert (tmp_path / "tables" / "my-cows-v2.md").is_file()


def test_images_alone_need_an_annotator(run: Run, own: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ("--images", own[0], "--name", "cows", "--masks", own[1])
    record = evaluated(run, tmp_path / "run", *arguments, "--annotator", "light")
    assert (record["truth"], record["dataset"]) == ("light", "cows")
    assert [entry["fn"] for entry in record["images"]] == [0, 4 * SIDE]
    assert "Name whose masks are true with --annotator" in refused(run, *arguments)


def test_truth_alone_needs_masks(run: Run, own: tuple[Path, Path], tmp_path: Path) -> None:
    arguments = ("--truth", own[1], "--name", "cows")
    record = evaluated(run, tmp_path / "run", *arguments, "--masks", own[1])
    assert record["scores"]["miou"]["value"] == 1
    assert [entry["key"] for entry in record["images"]] == ["a/1.png", "b/1.png"]
    assert "Add --images DIR" in refused(run, *arguments, "--method", "bright")


def test_images_that_only_their_order_pairs_are_said(run: Run, tmp_path: Path) -> None:
    for number in range(2):
        save(tmp_path / "i" / f"{number}.jpg", np.zeros((8, 8, 3), np.uint8))
        save(tmp_path / "t" / f"Cow{number + 1}.png", np.zeros((8, 8), np.uint8))
    arguments = ("--images", tmp_path / "i", "--truth", tmp_path / "t", "--name", "cows")
    record = evaluated(run, tmp_path / "run", *arguments, "--method", "bright")
    assert any("(0.jpg with Cow1.png, and so on)" in said for said in record["warnings"])


def test_images_without_partners_are_named(run: Run, own: tuple[Path, Path]) -> None:
    (own[1] / "b" / "1.png").unlink()
    arguments = ("--images", own[0], "--truth", own[1], "--name", "cows", "--method", "bright")
    assert "without partner: images/b/1.png" in refused(run, *arguments)


def test_truth_of_another_size_names_both(run: Run, own: tuple[Path, Path]) -> None:
    save(own[1] / "b" / "1.png", np.zeros((10, 30), np.uint8))
    arguments = ("--images", own[0], "--truth", own[1], "--name", "cows", "--method", "bright")
    said = refused(run, *arguments)
    assert "b/1.png is 24x24 pixels" in said
    assert "30x10" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--images", "i"), "--images is a folder of your own: name it with --name"),
        (("--truth", "t", "--masks", "m"), "--truth is a folder of your own"),
        (("--name", "cows"), "The images of cows are missing"),
        (("--name", "cows", "--masks", "m"), "The images of cows are missing"),
        (("--name", "cows", "--images", "i", "--dataset", "horse"), "Leave out --name, or"),
        (("--name", "cows", "--images", "i", "--data", "d"), "Leave out --name, or"),
        (("--name", "horse", "--images", "i"), "--name horse is a data set"),
        (("--name", "../x", "--images", "i"), "--name '../x' is not a name"),
        (("--name", "", "--images", "i"), "is not a name"),
        (
            ("--name", "cows", "--images", "i", "--truth", "t", "--annotator", "light"),
            "Both --truth and --annotator",
        ),
        (("--name", "cows", "--truth", "t", "--annotator", "light"), "Both --truth and"),
        (("--name", "cows", "--images", "i", "--annotator", "mask-rcnn"), "none is known of cows"),
        (("--name", "cows", "--images", "i", "--truth", "t", "--level", "300"), "--level 300"),
        (("--name", "cows", "--images", "i", "--truth", "t"), "The folder i does not exist"),
        (("--dataset", "flowers", "--method", "bright", "--level", "9"), "--level applies to grey"),
        (
            ("--dataset", "labels4free-custom"),
            "evaluated as ffhq, cat, horse and car has no images",
        ),
        (("--dataset", "flowers", "--split", "test"), "Oxford flowers has no split to choose"),
        (("--dataset", "flowers", "--parts", "hat"), "Oxford flowers has no parts to choose"),
        (("--name", "cows", "--images", "i", "--split", "test"), "cows has no split to choose"),
        (("--split", "test", "--method", "bright"), "Shapes has no split to choose"),
    ],
)
def test_what_cannot_be_meant_is_one_line(arguments: tuple[str, ...], said: str, run: Run) -> None:
    assert said in refused(run, *arguments)
