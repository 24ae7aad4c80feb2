"""Folders of images to masks: every kind of image, rejection, and runs that stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l4f_bench.annotators.bisenet import BiSeNet
from tests.annotators.optional import torchvision_or_skip
from tests.cli.conftest import Run
from tests.cli.images import lines_of
from tests.toy_detector import write_toy_pickle


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A bright, a dark, a 1x1, a grey, an RGBA and a broken image, some in a sub-folder."""
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    Image.new("RGB", (64, 64), "white").save(folder / "bright.png")
    Image.new("RGB", (64, 48), "black").save(folder / "dark.jpg")
    Image.new("RGB", (1, 1), "white").save(folder / "one.png")
    Image.new("L", (40, 64), 250).save(folder / "more" / "grey.png")
    Image.new("RGBA", (64, 64), (255, 255, 255, 10)).save(folder / "more" / "rgba.webp")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n")
    return folder


def test_foreground_classes_are_chosen_by_name(
    run: Run, images: Path, bisenet: Path, tmp_path: Path
) -> None:
    arguments = ("annotate", images, "--weights", bisenet, "--class-maps")
    hair = ("--foreground", "hair", "--foreground", "hat")
    result = run(*arguments, *hair, "--out", tmp_path / "hair")
    assert result.exit_code == 0, result.stderr
    for line in lines_of(tmp_path / "hair").values():
        if line["accepted"]:
            with Image.open(tmp_path / "hair" / "classes" / line["mask"]) as classes:
                wanted = np.isin(np.asarray(classes), [17, 18])
            with Image.open(tmp_path / "hair" / "masks" / line["mask"]) as mask:
                assert ((np.asarray(mask) > 0) == wanted).all()
    wrong = run(*arguments, "--foreground", "hare", "--out", tmp_path / "wrong")
    assert wrong.exit_code == 2
    assert "Did you mean 'hair'" in wrong.stderr


@pytest.fixture
def bisenet(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    torch.save(BiSeNet(19, width=0.125).state_dict(), tmp_path / "79999_iter.pth")
    return tmp_path / "79999_iter.pth"


def test_every_kind_of_image_gets_a_mask_of_its_size(
    run: Run, images: Path, bisenet: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run("annotate", images, "--weights", bisenet, "--out", out, "--class-maps")
    assert result.exit_code == 0, result.stderr
    assert "broken.png cannot be read" in result.stderr
    lines = lines_of(out)
    assert len(lines) == 6
    assert lines["broken.png"]["reason"] == "unreadable"
    for name, line in lines.items():
        if name == "broken.png":
            assert not (out / "masks" / line["mask"]).exists()
            continue
        with Image.open(images / name) as image, Image.open(out / "masks" / line["mask"]) as mask:
            assert mask.size == image.size == tuple(line["size"])
            pixels = np.asarray(mask)
        with Image.open(out / "classes" / line["mask"]) as classes:
            assert ((np.asarray(classes) > 0) == (pixels > 0)).all()
        assert line["area"] == pytest.approx((pixels > 0).mean(), abs=1e-6)


def test_rejection_is_noted_with_its_reason(run: Run, images: Path, tmp_path: Path) -> None:
    torchvision_or_skip()
    weights = write_toy_pickle(tmp_path / "toy.pkl", "cat")
    arguments = ("annotate", images, "--annotator", "mask-rcnn", "--weights", weights)
    out = tmp_path / "out"
    result = run(*arguments, "--class", "cat", "--out", out)
    assert result.exit_code == 0, result.stderr
    lines = lines_of(out)
    assert lines["bright.png"]["accepted"]
    assert lines["bright.png"]["score"] > 0.5
    assert lines["dark.jpg"]["reason"] == "no-instance"
    nothing = run(*arguments, "--class", "dog", "--out", tmp_path / "dogs")
    assert nothing.exit_code == 1
    assert "no-instance 5" in nothing.stderr
    assert (tmp_path / "dogs" / "metadata.jsonl").is_file()
    for options, said in (
        ((), "name one with --class"),
        (("--class", "kat"), "Did you mean 'cat'"),
        (("--class", "cat", "--min-area", 2), "--min-area 2"),
        (("--class", "cat", "--class-maps"), "Only bisenet and unet have class maps"),
    ):
        refused = run(*arguments, *options, "--out", tmp_path / "refused")
        assert refused.exit_code == 2, said
        assert said in refused.stderr


def test_a_stopped_run_goes_on_to_the_same_files(
    run: Run, images: Path, bisenet: Path, tmp_path: Path
) -> None:
    arguments = ("annotate", images, "--weights", bisenet, "--out")
    run(*arguments, tmp_path / "whole")
    run(*arguments, tmp_path / "cut")
    metadata = tmp_path / "cut" / "metadata.jsonl"
    lines = metadata.read_text().splitlines(keepends=True)
    metadata.write_text("".join(lines[:2]) + lines[2][:9])  # as a kill leaves it
    refused = run(*arguments, tmp_path / "cut")
    assert refused.exit_code == 2
    assert "Add --resume" in refused.stderr
    assert run(*arguments, tmp_path / "cut", "--resume").exit_code == 0
    assert metadata.read_text() == (tmp_path / "whole" / "metadata.jsonl").read_text()
    other = run(*arguments, tmp_path / "cut", "--resume", "--min-area", 0.5)
    assert other.exit_code == 2
    assert "min_area was 0.0, is 0.5" in other.stderr


def test_masks_among_the_images_are_not_annotated(run: Run, images: Path, bisenet: Path) -> None:
    arguments = ("annotate", images, "--weights", bisenet, "--out", images / "out")
    assert run(*arguments).exit_code == 0
    before = (images / "out" / "metadata.jsonl").read_text()
    assert run(*arguments, "--resume").exit_code == 0
    assert (images / "out" / "metadata.jsonl").read_text() == before


def test_masks_of_other_images_are_not_gone_on_with(
    run: Run, images: Path, bisenet: Path, tmp_path: Path
) -> None:
    arguments = ("annotate", images, "--weights", bisenet, "--out", tmp_path / "out")
    assert run(*arguments).exit_code == 0
    Image.new("RGB", (50, 40), "red").save(images / "bright.png")
    refused = run(*arguments, "--resume")
    assert refused.exit_code == 2
    assert "bright.png is another image" in refused.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--class", "cat"), "--class applies to detectors; bisenet is not one"),
        (("--min-score", 0.9), "--min-score applies to detectors"),
        (
            ("--annotator", "mask-rcnn", "--foreground", "hair"),
            "--foreground names classes of a parser",
        ),
        (("--annotator", "bisnet"), "Did you mean 'bisenet'"),
    ],
)
def test_options_of_other_annotators_are_refused(
    options: tuple[object, ...], said: str, run: Run, images: Path
) -> None:
    result = run("annotate", images, *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_two_images_of_one_name_are_refused(
    run: Run, images: Path, bisenet: Path, tmp_path: Path
) -> None:
    Image.new("RGB", (4, 4)).save(images / "bright.jpg")
    result = run("annotate", images, "--weights", bisenet, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "would get one mask" in result.stderr
