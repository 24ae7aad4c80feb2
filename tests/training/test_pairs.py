"""Students of pairs on disk: what is read, what is held out, and what is refused in one line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.cli import app
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.training.labelled import HELD_OUT
from l4f_bench.training.labelled_pairs import LabelledPairs

SIDE, NUM = 32, 12


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """The shapes world on disk."""
    images, masks = shapes_batch(range(NUM), resolution=SIDE, seed=0)
    for name in ("images", "masks"):
        (tmp_path / "pairs" / name).mkdir(parents=True)
    for index, (image, mask) in enumerate(zip(images, masks, strict=True)):
        save(tmp_path / "pairs", index, image.transpose(1, 2, 0), mask)
    return tmp_path / "pairs"


def save(folder: Path, index: int, image: np.ndarray, mask: np.ndarray) -> None:
    Image.fromarray(image).save(folder / "images" / f"{index:06d}.png")
    Image.fromarray(mask.astype(np.uint8) * 255).save(folder / "masks" / f"{index:06d}.png")


def opened(folder: Path, *, resolution: int = SIDE, validation: float = 0.25) -> LabelledPairs:
    return LabelledPairs(folder, resolution, 0, validation=validation, warn=print)


def train(folder: Path, out: Path, *options: object, method: str = "ours-unet") -> Result:
    chosen = ("--preset", "debug", "--steps", 4, "--every", 2, "--resolution", SIDE)
    return run("train", "--method", method, "--pairs", folder, *chosen, "--out", out, *options)


def test_every_pair_comes_once_an_epoch_and_some_are_held_out(pairs: Path) -> None:
    images, masks = shapes_batch(range(NUM), resolution=SIDE, seed=0)
    known = {image.tobytes(): mask for image, mask in zip(images, masks, strict=True)}
    subject = opened(pairs)
    assert subject.held_out == range(HELD_OUT, HELD_OUT + 3)
    held = subject.batch(subject.held_out)
    first, second = subject.batch(range(9)), subject.batch(range(9, 18))
    for image, classes in zip(*map(np.concatenate, zip(held, first, strict=True)), strict=True):
        assert np.array_equal(known[image.tobytes()], classes == 1)
    seen = [{image.tobytes() for image in part[0]} for part in (held, first, second)]
    assert seen[0] | seen[1] == known.keys()
    assert seen[1] == seen[2]
    assert not np.array_equal(first[0], second[0])  # in another order


@pytest.mark.parametrize(
    ("num_pairs", "validation", "num_held"),
    [(12, 0.0, 0), (12, 0.01, 1), (12, 1.0, 11), (2, 0.1, 1), (1, 0.5, 0)],
)
def test_something_is_left_on_both_sides(
    num_pairs: int, validation: float, num_held: int, pairs: Path
) -> None:
    for index in range(num_pairs, NUM):
        for name in ("images", "masks"):
            (pairs / name / f"{index:06d}.png").unlink()
    subject = opened(pairs, validation=validation)
    assert len(subject.held_out) == num_held
    assert subject.batch([0])[0].shape == (1, 3, SIDE, SIDE)


def test_pairs_of_any_size_become_squares_of_one(pairs: Path) -> None:
    digest = opened(pairs).digest
    mask = np.zeros((40, 80), bool)
    mask[:, 40:] = True  # the right half of the middle square
    image = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    for index in range(NUM):
        save(pairs, index, image, mask)
    subject = opened(pairs, resolution=20)
    assert subject.digest != digest
    images, classes = subject.batch([0])
    assert images.shape == (1, 3, 20, 20)
    assert np.array_equal(classes[0], np.tile(np.arange(20) >= 10, (20, 1)))
    assert (np.abs(images[0] - 255.0 * classes[0]) < 64).all()  # Lanczos rings at the edge


@pytest.mark.parametrize("method", ["ours-unet", "ours-bisenet"])
def test_the_best_weights_are_kept_beside_the_last(
    method: str, pairs: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    settings = ("--set", "validation=0.25", "--set", "warmup_steps=0")
    result = train(pairs, out, *settings, method=method)
    assert result.exit_code == 0, result.output
    last, best = result.stdout.splitlines()
    assert (last, best) == (
        str(out / "student.safetensors"), str(out / "student-best.safetensors")
    )  # fmt: skip
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    curve = {line["step"]: line["val_miou"] for line in lines if "val_miou" in line}
    assert set(curve) == {2, 4}
    images, classes = opened(pairs).batch(range(HELD_OUT, HELD_OUT + 3))
    side = 32 if method == "ours-unet" else 64
    parser = load_parser(Path(best), torch.device("cpu"))
    assert parser.side == side
    if side == SIDE:  # scored at the side that the network sees
        found = parser.annotate(torch.from_numpy(images)).mask.numpy()
        tp, fp, fn, tn = count_pixels(found, classes > 0)
        ious = (1 if not tp + fp + fn else tp / (tp + fp + fn), tn / (tn + fp + fn))
        assert sum(ious) / 2 == pytest.approx(max(curve.values()))


def test_a_stopped_run_goes_on_to_the_same_weights_both_of_them(
    pairs: Path, tmp_path: Path
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train(pairs, whole).exit_code == 0
    assert train(pairs, cut).exit_code == 0
    (cut / "checkpoints" / "step-000000004.ckpt").unlink()  # as if it had been killed after step 3
    (cut / "student.safetensors").unlink()
    (cut / "student-best.safetensors").unlink()
    result = train(pairs, cut, "--resume")
    assert result.exit_code == 0, result.output
    for name in ("student.safetensors", "student-best.safetensors"):
        assert (whole / name).read_bytes() == (cut / name).read_bytes()
    logs = [
        [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        for folder in (whole, cut)
    ]
    for line in (*logs[0], *logs[1]):
        line.pop("images_per_s", None)
    assert logs[0] == logs[1]


def test_synthesized_pairs_are_learnt_from(tmp_path: Path) -> None:
    folder = tmp_path / "pairs"
    assert run("synthesize", "-n", 4, "--out", folder).exit_code == 0
    result = train(folder, tmp_path / "run", "--dataset", "ffhq", "--steps", 2)
    assert result.exit_code == 0, result.output


Damage = Callable[[Path], object]


def add_image(folder: Path) -> None:
    shutil.copy(folder / "images" / "000000.png", folder / "images" / "more.png")


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-60])


DAMAGES: dict[str, tuple[Damage, str]] = {
    "no images": (lambda f: shutil.rmtree(f / "images"), "there is no folder"),
    "no masks": (lambda f: shutil.rmtree(f / "masks"), "there is no folder"),
    "empty": (
        lambda f: [path.unlink() for path in f.glob("*/*.png")],
        "holds no images",
    ),
    "an image without mask": (add_image, "without partner: images/more.png"),
    "a mask without image": (
        lambda f: (f / "images" / "000003.png").unlink(),
        "without partner: masks/000003.png",
    ),
    "another size": (
        lambda f: Image.new("L", (9, 9)).save(f / "masks" / "000002.png"),
        "000002.png has an image of 32 x 32 pixels and a mask of 9 x 9",
    ),
    "a damaged image": (lambda f: cut_short(f / "images" / "000005.png"), "000005.png is damaged"),
    "no image at all": (
        lambda f: (f / "masks" / "000005.png").write_text("mask"),
        "000005.png is not an image",
    ),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_bad_pairs_are_one_line_before_anything_is_written(
    what: str, pairs: Path, tmp_path: Path
) -> None:
    damage, said = DAMAGES[what]
    damage(pairs)
    result = train(pairs, tmp_path / "run")
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "exit_code", "said"),
    [
        (("--pairs", "missing"), 3, "There is no folder missing"),
        (("--generator", "g.pt"), 2, "Leave out --generator"),
        (("--alpha", "a.pt"), 2, "Leave out --alpha"),
        (("--set", "validation=2"), 2, "validation 2 is out of range"),
        (("--method", "unet"), 2, "unet does not use --pairs"),
    ],
)
def test_what_does_not_go_with_pairs_is_said(
    options: tuple[str, ...], exit_code: int, said: str, pairs: Path, tmp_path: Path
) -> None:
    result = train(pairs, tmp_path / "run", *options)
    assert result.exit_code == exit_code, result.output
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_lost_in_between_keeps_what_is_saved(pairs: Path, tmp_path: Path) -> None:
    subject = opened(pairs)
    shutil.rmtree(pairs / "masks")
    with pytest.raises(InputError, match="does not exist"):
        subject.batch(range(9))
