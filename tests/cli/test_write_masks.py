"""Masks that eval keeps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Run

GREY = """
class Grey:
    def segment(self, image):
        return image.float().mean(1, keepdim=True) / 255


def load():
    return Grey()
"""


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """A custom set of cars of several sizes: in photograph i the i + 1 left columns are bright."""
    folder = tmp_path / "set" / "Cars"
    for kind in ("data", "Mask_car_gt"):
        (folder / kind).mkdir(parents=True)
    for index, (width, height) in enumerate(((6, 4), (8, 8), (6, 4))):
        pixels = np.full((height, width, 3), 20, np.uint8)
        pixels[:, : index + 1] = 220
        Image.fromarray(pixels).save(folder / "data" / f"{index}.png")
        truth = np.zeros((height, width), np.uint8)
        truth[:, :2] = 255
        Image.fromarray(truth).save(folder / "Mask_car_gt" / f"Car{index + 1}.tif")
    (tmp_path / "grey.py").write_text(GREY)
    return tmp_path / "set"


def evaluated(run: Run, data: Path, *more: object) -> dict[str, object]:
    method = ("--method", data.parent / "grey.py", "--dataset", "car", "--data", data)
    result = run("eval", "images", *method, "--out", data.parent / "run", "--json", *more)
    assert result.exit_code == 0, result.stderr
    record: dict[str, object] = json.loads(result.stdout)["records"][0]
    return record


def test_masks_lie_under_their_images_names_at_their_size(run: Run, photographs: Path) -> None:
    out = photographs.parent / "masks"
    record = evaluated(run, photographs, "--write-masks", out)
    assert sorted(path.name for path in out.iterdir()) == ["Car1.png", "Car2.png", "Car3.png"]
    for index, (width, height) in enumerate(((6, 4), (8, 8), (6, 4))):
        with Image.open(out / f"Car{index + 1}.png") as mask:
            assert (mask.mode, mask.size) == ("L", (width, height))
            pixels = np.asarray(mask)
        assert np.array_equal(pixels, np.where(np.arange(width) <= index, 255, 0) + 0 * pixels)
    again = run(
        "eval", "images", "--method", photographs.parent / "grey.py", "--dataset", "car",
        "--data", photographs, "--masks", out, "--out", photographs.parent / "again", "--json",
    )  # fmt: skip
    assert json.loads(again.stdout)["records"][0]["scores"] == record["scores"]


def test_they_are_cut_where_the_score_is(run: Run, photographs: Path) -> None:
    out = photographs.parent / "masks"
    evaluated(run, photographs, "--write-masks", out, "--threshold", 0.9, "--limit", 1)
    (path,) = out.iterdir()
    assert np.asarray(Image.open(path)).max() == 0  # 220 of 255 is less


def test_a_file_of_the_same_image_is_never_replaced(run: Run, photographs: Path) -> None:
    truths = photographs / "Cars" / "Mask_car_gt"
    before = {path: path.read_bytes() for path in truths.iterdir()}
    method = ("--method", photographs.parent / "grey.py", "--dataset", "car")
    data = ("--data", photographs, "--out", photographs.parent / "run")
    got = run("eval", "images", *method, *data, "--write-masks", truths)
    assert got.exit_code == 2
    assert "Car1.tif exists already. Choose another folder for the masks" in got.stderr
    assert {path: path.read_bytes() for path in truths.iterdir()} == before


def test_parts_of_a_set_write_into_one_folder(run: Run, photographs: Path) -> None:
    out, whole = photographs.parent / "masks", photographs.parent / "whole"
    evaluated(run, photographs, "--write-masks", whole)
    for part in ("1/2", "2/2"):
        evaluated(run, photographs, "--write-masks", out, "--shard", part)
    masks = [{path.name: path.read_bytes() for path in dir.iterdir()} for dir in (out, whole)]
    assert masks[0] == masks[1]
    assert len(masks[0]) == 3


def test_masks_in_files_are_not_written_again(
    run: Run, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    got = run(
        "eval", "images", "--masks", folders[0], "--limit", 4, "--write-masks", tmp_path / "m"
    )  # fmt: skip
    assert got.exit_code == 2
    assert "--write-masks applies to methods that run, not to masks in files" in got.stderr


def test_masks_of_sub_folders_stand_in_sub_folders(run: Run, photographs: Path) -> None:
    root = photographs.parent
    for kind, source in (("photos", "data/0.png"), ("truths", "Mask_car_gt/Car1.tif")):
        for folder in ("a", "b.c"):
            (root / kind / folder).mkdir(parents=True)
            content = (photographs / "Cars" / source).read_bytes()
            (root / kind / folder / f"x.1{Path(source).suffix}").write_bytes(content)
    got = run(
        "eval", "images", "--images", root / "photos", "--truth", root / "truths", "--name", "own",
        "--method", root / "grey.py", "--write-masks", root / "masks", "--out", root / "run",
    )  # fmt: skip
    assert got.exit_code == 0, got.stderr
    found = {path.relative_to(root / "masks").as_posix() for path in root.glob("masks/*/*")}
    assert found == {"a/x.1.png", "b.c/x.1.png"}
