"""Bars are what is black in every pixel of a row, as far as the file can hold black."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.bars import black_rows
from l4f_bench.datasets.remarks import Remark
from l4f_bench.errors import InputError

BARS = np.zeros(64, bool)
BARS[:16] = BARS[-16:] = True


def letterboxed(black: int = 0) -> np.ndarray:
    """A picture with a bar above and below, uint8 ``[64, 48, 3]``."""
    y, x = np.mgrid[:64, :48]
    picture = np.stack([100 + y, 200 - 2 * x, 90 + x], -1).astype(np.uint8)
    picture[BARS] = black
    return picture


def saved(path: Path, pixels: np.ndarray, **options: object) -> Path:
    Image.fromarray(pixels).save(path, **options)
    return path


def test_black_rows_are_rows_without_any_light(tmp_path: Path) -> None:
    pixels = np.full((5, 4, 3), 9, np.uint8)
    pixels[0], pixels[3], pixels[4] = 0, 0, 0
    pixels[3, 2, 1] = 1
    rows = black_rows(saved(tmp_path / "image.png", pixels)).rows
    assert rows.tolist() == [True, False, False, False, True]


@pytest.mark.parametrize("noise", [0, 5, 12])
@pytest.mark.parametrize(("ending", "quality"), [("jpg", 75), ("jpg", 95), ("webp", 90)])
def test_bars_that_a_lossy_file_has_lifted_are_bars(
    ending: str, quality: int, noise: int, tmp_path: Path
) -> None:
    pixels = letterboxed()
    random = np.random.default_rng(noise)
    pixels[BARS] = random.integers(0, noise + 1, (32, 48, 3))
    path = saved(tmp_path / f"image.{ending}", pixels, quality=quality)
    rows = black_rows(path).rows
    assert not rows[~BARS].any()
    assert rows[BARS].sum() >= 28  # rows beside the picture share blocks with it


def test_lifted_rows_of_a_lossless_file_are_none(tmp_path: Path) -> None:
    assert not black_rows(saved(tmp_path / "image.png", letterboxed(1))).rows.any()


def test_dark_rows_between_bright_ones_are_no_bars(tmp_path: Path) -> None:
    pixels = letterboxed()
    pixels[~BARS] = 12
    pixels[16:24] = pixels[40:48] = 200
    rows = black_rows(saved(tmp_path / "image.jpg", pixels, quality=100)).rows
    np.testing.assert_array_equal(rows, BARS)


def test_a_dark_jpeg_is_no_bar_as_a_whole(tmp_path: Path) -> None:
    path = saved(tmp_path / "image.jpg", np.full((64, 48), 12, np.uint8))
    assert not black_rows(path).rows.any()


@pytest.mark.parametrize(
    ("ending", "divisor", "dtype"), [("tif", 255, np.float32), ("png", 90, np.uint8)]
)
def test_levels_of_0_to_1_are_not_black(
    ending: str, divisor: int, dtype: type, tmp_path: Path
) -> None:
    pixels = (letterboxed()[..., 0] / divisor).clip(0, 1).astype(dtype)
    path = saved(tmp_path / f"image.{ending}", pixels)
    np.testing.assert_array_equal(black_rows(path).rows, BARS)


def test_rows_are_those_of_the_upright_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 8
    stored = np.ascontiguousarray(np.rot90(letterboxed(), -1))
    path = saved(tmp_path / "image.png", stored, exif=exif)
    np.testing.assert_array_equal(black_rows(path).rows, BARS)


def test_the_first_page_counts_and_it_is_said(tmp_path: Path) -> None:
    more = [Image.new("RGB", (48, 64), "white")]
    path = saved(tmp_path / "image.tif", letterboxed(), save_all=True, append_images=more)
    bars = black_rows(path)
    np.testing.assert_array_equal(bars.rows, BARS)
    assert bars.remarks == (Remark.PAGES,)


def test_what_is_no_image_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        black_rows(tmp_path / "image.png")
