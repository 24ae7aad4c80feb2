"""Annotators and students as methods, and methods of the other kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.annotators.optional import torchvision_or_skip
from tests.cli.conftest import Run
from tests.toy_detector import write_toy_pickle


@pytest.fixture
def horses(tmp_path: Path) -> Path:
    """A custom set of bright squares, of horses and of faces."""
    pixels = np.full((64, 64), 30, np.uint8)
    pixels[16:48, 16:48] = 230
    for category, masks in (("Horse", "Mask_horse_gt"), ("Faces", "Mask_face_gt")):
        for kind in ("data", masks):
            folder = tmp_path / "custom" / category / kind
            folder.mkdir(parents=True)
            levels = np.where(pixels > 99, 255, 0).astype(np.uint8) if kind == masks else pixels
            Image.fromarray(levels).convert("RGB").save(folder / "1.png")
    return tmp_path / "custom"


def test_an_annotator_fills_its_row_of_table_3(run: Run, horses: Path, tmp_path: Path) -> None:
    torchvision_or_skip()
    weights = write_toy_pickle(tmp_path / "toy.pkl", "horse")
    data = ("--dataset", "horse", "--data", horses, "--weights", weights)
    got = run("eval", "images", "--method", "mask-rcnn", *data, "--out", tmp_path / "r", "--json")
    assert got.exit_code == 0, got.stderr
    record = json.loads(got.stdout)["records"][0]
    assert (record["truth"], record["threshold"]) == ("human", 0.5)
    assert record["scores"]["miou"]["value"] > 0.8
    report = run("report", tmp_path / "r", "--out", tmp_path / "t", "--format", "json")
    assert report.exit_code == 0, report.stderr
    rows = json.loads((tmp_path / "t" / "table3.json").read_text())["rows"]
    measured = {(row["method"], row["dataset"]) for row in rows if row["measured"] is not None}
    assert len(measured) == 1
    assert all(row["published"] is not None for row in rows if row["measured"] is not None)


@pytest.mark.usefixtures("cache_folder")
@pytest.mark.parametrize(
    ("method", "dataset", "said"),
    [
        ("bisenet", "ffhq", "l4f-bench fetch bisenet"),
        ("mask-rcnn", "horse", "l4f-bench fetch mask-rcnn-r101"),
        ("torchvision", "horse", "l4f-bench fetch torchvision-mask-rcnn"),
        ("ours-bisenet", "horse", "No student of LSUN-Horse is embedded. Give one with --weights"),
    ],
)
def test_missing_weights_say_how_to_get_them(
    method: str, dataset: str, said: str, run: Run, horses: Path, tmp_path: Path
) -> None:
    data = ("--dataset", dataset, "--data", horses, "--out", tmp_path / "run")
    got = run("eval", "images", "--method", method, *data)
    assert got.exit_code == 3, got.stderr
    assert got.stderr.count("\n") == 1
    assert said in got.stderr


@pytest.mark.parametrize(
    ("setting", "method", "said"),
    [
        ("samples", "bisenet", "BiSeNet makes no samples here. Possible: ours"),
        ("samples", "ours-bisenet", "Ours (BiSeNet) makes no samples here"),
        ("samples", "examples/otsu_method.py", "Otsu's threshold on chroma makes no samples here"),
        ("images", "ours", "Ours segments no images here. Possible: ours-bisenet"),
        ("images", "stylegan2", "StyleGAN2 segments no images here"),
    ],
)
def test_a_method_of_the_other_kind_is_one_line(
    setting: str, method: str, said: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    got = run("eval", setting, "--method", method, "--out", tmp_path / "run")
    assert got.exit_code == 2
    assert got.stderr.count("\n") == 1
    assert said in got.stderr
    assert not (tmp_path / "run").exists()
