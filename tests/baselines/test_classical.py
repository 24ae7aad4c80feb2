"""The classical methods on images whose answers are known."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.methods.loading import load_image_method
from l4f_bench.methods.specs import METHODS
from l4f_bench_baselines.classical.border_colour import otsu_level
from l4f_bench_baselines.classical.centre_disc import RADIUS

NAMES = ("border-colour", "border-mean", "centre-disc", "grabcut")
if not {*NAMES} <= {*METHODS.names()}:
    pytest.skip("install the package anew: its entry points are missing", allow_module_level=True)


def method(name: str) -> Any:
    if name == "grabcut":
        pytest.importorskip("cv2")
    return load_image_method(name, "shapes")[0]


def disc(height: int, width: int, radius: float) -> torch.Tensor:
    y, x = (torch.arange(side) - (side - 1) / 2 for side in (height, width))
    return y[:, None] ** 2 + x**2 <= radius**2


def of_disc(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> torch.Tensor:
    """A disc of radius 12 in one colour on another, with mild grain, ``[1, 3, 40, 52]``."""
    colours = torch.tensor([outside, inside])[disc(40, 52, 12).long()]
    grain = torch.from_numpy(np.random.default_rng(0).integers(-3, 4, colours.shape))
    return (colours + grain).clamp(0, 255).to(torch.uint8).permute(2, 0, 1)[None]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (2, 7), (3, 3), (33, 20), (64, 64)])
def test_any_size_gives_alpha_of_that_size(name: str, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (2, 3, *size), np.uint8)
    assert method(name).segment(torch.from_numpy(pixels)).shape == (2, 1, *size)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_fixes_its_alpha(name: str) -> None:
    pixels, _ = shapes_batch(range(4), resolution=64, seed=HELD_OUT)
    images, subject = torch.from_numpy(pixels), method(name)
    together = subject.segment(images)
    for order in ([3, 1, 0, 2], [2], [0, 0]):
        assert torch.equal(subject.segment(images[order]), together[order])


@pytest.mark.parametrize("name", ["border-colour", "border-mean", "grabcut"])
def test_a_disc_of_another_colour_is_found(name: str) -> None:
    mask = method(name).segment(of_disc((200, 60, 50), (70, 110, 160)))[0, 0] > 0.5
    assert mask.equal(disc(40, 52, 12))


@pytest.mark.parametrize("name", ["border-colour", "grabcut"])
def test_an_image_of_one_colour_has_no_foreground(name: str) -> None:
    assert not method(name).segment(torch.full((1, 3, 20, 30), 90, dtype=torch.uint8)).any()


def test_the_disc_does_not_look() -> None:
    subject = method("centre-disc")
    images = torch.stack([torch.zeros(3, 40, 52), torch.full((3, 40, 52), 255)]).to(torch.uint8)
    for alpha in subject.segment(images):
        assert alpha[0].bool().equal(disc(40, 52, RADIUS * 40))
    share = subject.segment(torch.zeros(1, 3, 500, 500, dtype=torch.uint8)).mean().item()
    assert share == pytest.approx(np.pi * RADIUS**2, abs=1e-3)


def test_alpha_grows_with_the_distance_from_the_borders_colours() -> None:
    """Grey bands on black: 0 at the border, 1 for the furthest, one half at Otsu's threshold."""
    image = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    for band, level in enumerate((30, 60, 180, 240)):
        image[:, :, 4:-4, 4 + 6 * band : 10 + 6 * band] = level
    alpha = method("border-colour").segment(image)[0, 0]
    row = [alpha[16, column].item() for column in (0, 5, 11, 17, 23)]
    assert row == sorted(row)
    assert (row[0], row[-1]) == (0, 1)
    assert row[2] < 0.5 < row[3]  # the bright bands stand apart from the rest
    assert len({*row}) == 5


def test_a_border_of_two_colours_is_background_on_both_sides() -> None:
    image = torch.empty(1, 3, 40, 40, dtype=torch.uint8)
    image[..., :20] = torch.tensor([220, 40, 40], dtype=torch.uint8)[:, None, None]
    image[..., 20:] = torch.tensor([40, 40, 220], dtype=torch.uint8)[:, None, None]
    image[..., 10:30, 10:30] = torch.tensor([40, 220, 40], dtype=torch.uint8)[:, None, None]
    mask = method("border-colour").segment(image)[0, 0] > 0.5
    assert mask[10:30, 10:30].all()
    assert mask.sum() == 400


@pytest.mark.parametrize("seed", range(5))
def test_otsus_level_is_that_of_opencv(seed: int) -> None:
    cv2: Any = pytest.importorskip("cv2")
    random = np.random.default_rng(seed)
    levels = random.gamma(2 + seed, 15, (30, 40)).clip(0, 255).astype(np.uint8)
    expected, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert otsu_level(levels) == expected


def test_two_levels_are_parted_and_one_is_not() -> None:
    assert otsu_level(np.array([[3, 3, 3, 200]], np.uint8)) == 3
    assert otsu_level(np.full((2, 2), 7, np.uint8)) is None


def test_without_opencv_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    result = CliRunner().invoke(app, ["eval", "--method", "grabcut", "--out", str(tmp_path / "r")])
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "pip install 'l4f-bench[classical]'" in result.stderr
