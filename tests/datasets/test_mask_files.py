from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.mask_files import black_rows, read_grey
from l4f_bench.errors import InputError

MASK = np.zeros((6, 9), np.uint8)
MASK[1:4, 2:7] = 255


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def grey_image() -> Image.Image:
    return Image.fromarray(MASK)


def palette_image(*, reverse: bool = False) -> Image.Image:
    """Black and white by way of a palette, in either order of its entries."""
    indices = (MASK > 0) ^ reverse
    image = Image.fromarray(indices.astype(np.uint8), mode=None).convert("L")
    image = Image.frombytes("P", image.size, indices.astype(np.uint8).tobytes())
    colours = [255, 255, 255, 0, 0, 0] if reverse else [0, 0, 0, 255, 255, 255]
    image.putpalette(colours)
    return image


def cut_out() -> Image.Image:
    """White everywhere, transparent outside of the object."""
    image = Image.new("L", (MASK.shape[1], MASK.shape[0]), 255).convert("RGBA")
    image.putalpha(grey_image())
    return image


IMAGES = {
    "grey": (grey_image, "png"),
    "one-bit": (lambda: grey_image().convert("1"), "png"),
    "rgb": (lambda: grey_image().convert("RGB"), "png"),
    "opaque-rgba": (lambda: grey_image().convert("RGBA"), "png"),
    "cut-out-rgba": (cut_out, "png"),
    "grey-alpha": (lambda: grey_image().convert("LA"), "png"),
    "palette": (palette_image, "png"),
    "palette-reversed": (lambda: palette_image(reverse=True), "png"),
    "sixteen-bit": (lambda: Image.fromarray(MASK.astype(np.uint16) * 257), "png"),
    "sixteen-bit-tiff": (lambda: Image.fromarray(MASK.astype(np.uint16) * 257), "tiff"),
    "cmyk": (lambda: grey_image().convert("RGB").convert("CMYK"), "tiff"),
    "bmp": (grey_image, "bmp"),
    "gif": (grey_image, "gif"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_every_mode_gives_the_same_mask(name: str, tmp_path: Path) -> None:
    make, extension = IMAGES[name]
    levels = read_grey(saved(tmp_path / f"mask.{extension}", make()))
    assert levels.dtype == np.uint8
    assert np.array_equal(levels, MASK)


def test_a_jpeg_mask_is_right_after_thresholding(tmp_path: Path) -> None:
    levels = read_grey(saved(tmp_path / "mask.jpg", grey_image(), quality=90))
    assert np.array_equal(levels >= 128, MASK >= 128)


def test_a_palette_entry_marked_transparent_is_black(tmp_path: Path) -> None:
    white = Image.frombytes("P", (9, 6), (MASK > 0).astype(np.uint8).tobytes())
    white.putpalette([255, 255, 255, 255, 255, 255])
    path = saved(tmp_path / "mask.png", white, transparency=0)
    assert np.array_equal(read_grey(path), MASK)


@pytest.mark.parametrize("level", [1, 127, 128, 255])
def test_sixteen_bit_levels_keep_their_place_against_the_threshold(
    level: int, tmp_path: Path
) -> None:
    pair = np.array([[level * 257 - 1, level * 257]], np.uint16)
    levels = read_grey(saved(tmp_path / "mask.png", Image.fromarray(pair)))
    assert (levels >= level).tolist() == [[False, True]]


def test_a_text_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_text("not an image")
    with pytest.raises(InputError, match=r"mask\.png is not an image"):
        read_grey(path)


def test_a_truncated_png_is_refused_by_name(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    path = saved(tmp_path / "mask.png", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"mask\.png is damaged or cut short"):
        read_grey(path)


def test_floating_point_masks_are_refused_with_the_remedy(tmp_path: Path) -> None:
    path = saved(tmp_path / "mask.tiff", Image.fromarray(MASK.astype(np.float32)))
    with pytest.raises(InputError, match="8-bit PNG"):
        read_grey(path)


def test_black_rows_are_rows_without_any_light(tmp_path: Path) -> None:
    pixels = np.full((5, 4, 3), 9, np.uint8)
    pixels[0], pixels[3], pixels[4] = 0, 0, 0
    pixels[3, 2, 1] = 1
    path = saved(tmp_path / "image.png", Image.fromarray(pixels))
    assert black_rows(path).tolist() == [True, False, False, False, True]


def test_a_file_that_would_start_an_interpreter_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    grey_image().save(path, format="EPS")
    with pytest.raises(InputError, match=r"mask\.png is not an image"):
        read_grey(path)
