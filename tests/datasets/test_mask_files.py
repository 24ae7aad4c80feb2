"""Masks of every mode and depth are read by the levels that are there, or refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.remarks import Remark
from l4f_bench.errors import InputError
from tests.image_files import png16, tiff

MASK = np.zeros((6, 9), np.uint8)
MASK[1:4, 2:7] = 255
OBJECT = MASK > 0


def saved(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def grey_image() -> Image.Image:
    return Image.fromarray(MASK)


def palette_image(*, reverse: bool = False) -> Image.Image:
    """Black and white by way of a palette, in either order of its entries."""
    indices = (OBJECT ^ reverse).astype(np.uint8)
    image = Image.frombytes("P", (9, 6), indices.tobytes())
    image.putpalette([255, 255, 255, 0, 0, 0] if reverse else [0, 0, 0, 255, 255, 255])
    return image


def cut_out(colour: str = "white", alpha: npt.NDArray[np.uint8] = MASK) -> Image.Image:
    """One colour everywhere, transparent outside of the object."""
    image = Image.new("RGBA", (9, 6), colour)
    image.putalpha(Image.fromarray(alpha))
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
    "portable-bitmap": (lambda: grey_image().convert("1"), "pbm"),
}


@pytest.mark.parametrize("name", IMAGES)
def test_every_mode_gives_the_same_mask(name: str, tmp_path: Path) -> None:
    make, extension = IMAGES[name]
    mask = read_mask(saved(tmp_path / f"mask.{extension}", make()))
    assert mask.levels.dtype == np.uint8
    assert np.array_equal(mask.levels, MASK)
    assert mask.remarks == ()


def test_a_jpeg_mask_is_right_after_thresholding(tmp_path: Path) -> None:
    levels = read_mask(saved(tmp_path / "mask.jpg", grey_image(), quality=90)).levels
    assert np.array_equal(levels >= 128, OBJECT)


def test_a_palette_entry_marked_transparent_is_black(tmp_path: Path) -> None:
    white = Image.frombytes("P", (9, 6), OBJECT.astype(np.uint8).tobytes())
    white.putpalette([255, 255, 255, 255, 255, 255])
    mask = read_mask(saved(tmp_path / "mask.png", white, transparency=0))
    assert np.array_equal(mask.levels, MASK)


@pytest.mark.parametrize("level", [2, 127, 128, 255])
def test_sixteen_bit_levels_keep_their_place_against_the_threshold(
    level: int, tmp_path: Path
) -> None:
    pair = np.array([[level * 257 - 1, level * 257]], np.uint16)
    levels = read_mask(saved(tmp_path / "mask.png", Image.fromarray(pair))).levels
    assert (levels >= level).tolist() == [[False, True]]


def grey16(path: Path, top: int) -> Path:
    return saved(path, Image.fromarray(OBJECT.astype(np.uint16) * top))


def colours16(channels: int) -> Callable[[Path, int], Path]:
    """A writer of 16-bit colours, opaque where there is an alpha channel."""

    def write(path: Path, top: int) -> Path:
        levels = np.repeat(OBJECT[..., None].astype(np.uint16) * top, channels, axis=2)
        if channels in (2, 4):
            levels[..., -1] = 65535
        return png16(path, levels)

    return write


DEEP: dict[str, tuple[Callable[[Path, int], Path], str]] = {
    "png": (grey16, "png"),
    "tiff": (grey16, "tif"),
    "32-bit tiff": (
        lambda path, top: saved(path, Image.fromarray(OBJECT.astype(np.int32) * top)),
        "tif",
    ),
    "portable greymap": (
        lambda path, top: saved(path, Image.fromarray(OBJECT.astype(np.int32) * top)),
        "pgm",
    ),
    "big-endian tiff": (
        lambda path, top: saved(path, Image.fromarray((OBJECT * np.uint16(top)).astype(">u2"))),
        "tif",
    ),
    "48-bit png": (colours16(3), "png"),
    "64-bit png": (colours16(4), "png"),
    "grey and alpha of 16 bits": (colours16(2), "png"),
    "48-bit tiff": (
        lambda path, top: tiff(path, np.repeat(OBJECT[..., None] * np.uint16(top), 3, axis=2)),
        "tif",
    ),
}


@pytest.mark.parametrize("top", [1, 7, 255])
@pytest.mark.parametrize("kind", DEEP)
def test_small_levels_of_deep_files_do_not_vanish(kind: str, top: int, tmp_path: Path) -> None:
    write, ending = DEEP[kind]
    mask = read_mask(write(tmp_path / f"mask.{ending}", top))
    np.testing.assert_array_equal(mask.levels, OBJECT * top)
    assert mask.remarks == (Remark.SMALL,)


@pytest.mark.parametrize("kind", DEEP)
def test_deep_files_that_use_their_bits_are_read_without_a_remark(
    kind: str, tmp_path: Path
) -> None:
    write, ending = DEEP[kind]
    mask = read_mask(write(tmp_path / f"mask.{ending}", 65535))
    np.testing.assert_array_equal(mask.levels, MASK)
    assert mask.remarks == ()


@pytest.mark.parametrize("kind", DEEP)
def test_black_deep_files_are_black(kind: str, tmp_path: Path) -> None:
    write, ending = DEEP[kind]
    mask = read_mask(write(tmp_path / f"mask.{ending}", 0))
    assert not mask.levels.any()
    assert Remark.SMALL not in mask.remarks


def test_a_small_alpha_channel_of_16_bits_does_not_vanish(tmp_path: Path) -> None:
    levels = np.repeat(OBJECT[..., None].astype(np.uint16) * 255, 4, axis=2)
    levels[..., 3] = 255
    np.testing.assert_array_equal(read_mask(png16(tmp_path / "mask.png", levels)).levels, MASK)


@pytest.mark.parametrize(("faint", "expected"), [(200, 0), (255, 255)])
def test_the_rest_of_a_set_tells_the_scale_of_faint_levels_but_never_of_white(
    faint: int, expected: int, tmp_path: Path
) -> None:
    paths = [grey16(tmp_path / f"{n}.png", faint if n == 3 else 60000) for n in range(5)]
    depth = Depth(len(paths), paths.__getitem__)
    assert read_mask(paths[3], depth).levels.max() == expected
    assert (Remark.FAINT in read_mask(paths[3], depth).remarks) == (expected == 0)
    alone = Depth(1, lambda _: paths[3])
    assert read_mask(paths[3], alone).levels.max() == faint


def test_levels_beyond_16_bits_are_refused_with_their_range(tmp_path: Path) -> None:
    path = saved(tmp_path / "mask.tif", Image.fromarray(OBJECT.astype(np.int32) << 20))
    with pytest.raises(InputError, match="levels from 0 to 1048576"):
        read_mask(path)
    path = saved(tmp_path / "mask.tif", Image.fromarray(-OBJECT.astype(np.int32)))
    with pytest.raises(InputError, match="levels from -1 to 0"):
        read_mask(path)


@pytest.mark.parametrize(("top", "remark"), [(1, Remark.FLOATS), (255, Remark.WHOLE_FLOATS)])
def test_floats_of_0_to_1_and_whole_ones_are_read(top: int, remark: Remark, tmp_path: Path) -> None:
    image = Image.fromarray(OBJECT.astype(np.float32) * top)
    mask = read_mask(saved(tmp_path / "mask.tiff", image))
    np.testing.assert_array_equal(mask.levels, MASK)
    assert mask.remarks == (remark,)


@pytest.mark.parametrize("top", [-1, 3.5, 256, np.nan, np.inf])
def test_other_floats_are_refused_with_the_remedy(top: float, tmp_path: Path) -> None:
    levels = np.where(OBJECT, top, 0).astype(np.float32)
    path = saved(tmp_path / "mask.tiff", Image.fromarray(levels))
    with pytest.raises(InputError, match=r"floating-point levels .* 8-bit PNG"):
        read_mask(path)


def test_colours_that_pillow_cuts_are_refused_where_it_lost_them(tmp_path: Path) -> None:
    low = np.repeat(OBJECT[..., None] * np.uint16(255), 3, axis=2)
    path = tmp_path / "mask.ppm"
    path.write_bytes(b"P6 9 6 65535\n" + low.astype(">u2").tobytes())
    with pytest.raises(InputError, match="16-bit colours of which the lowest"):
        read_mask(path)
    tiff(tmp_path / "mask.tif", low, planes=2)
    with pytest.raises(InputError, match="planes of their own"):
        read_mask(tmp_path / "mask.tif")


@pytest.mark.parametrize(
    "stored", [OBJECT, MASK, OBJECT * np.uint16(65535)], ids=["bool", "8", "16"]
)
def test_tiffs_in_which_zero_is_white_are_read_so_and_it_is_said(
    stored: npt.NDArray[np.generic], tmp_path: Path
) -> None:
    stored = np.pad(stored, ((0, 0), (0, 7)))  # whole bytes of bits
    mask = read_mask(tiff(tmp_path / "mask.tif", stored, photometric=0))
    np.testing.assert_array_equal(mask.levels > 127, stored == 0)
    assert mask.remarks == (Remark.WHITE_IS_ZERO,)


@pytest.mark.parametrize("colour", ["black", "red", "#404040"])
def test_masks_of_one_colour_are_their_alpha_channel(colour: str, tmp_path: Path) -> None:
    mask = read_mask(saved(tmp_path / "mask.png", cut_out(colour)))
    np.testing.assert_array_equal(mask.levels, MASK)
    assert mask.remarks == (Remark.ALPHA_ALONE,)


@pytest.mark.parametrize("alpha", [0, 99])
def test_transparency_that_is_the_same_everywhere_is_ignored(alpha: int, tmp_path: Path) -> None:
    image = grey_image().convert("RGBA")
    image.putalpha(alpha)
    mask = read_mask(saved(tmp_path / "mask.png", image))
    np.testing.assert_array_equal(mask.levels, MASK)
    assert mask.remarks == (Remark.ALPHA_IGNORED,)


def test_transparent_pixels_of_a_mask_of_two_colours_are_black(tmp_path: Path) -> None:
    alpha = np.full((6, 9), 255, np.uint8)
    alpha[:, :4] = 0
    image = grey_image().convert("RGBA")
    image.putalpha(Image.fromarray(alpha))
    mask = read_mask(saved(tmp_path / "mask.png", image))
    np.testing.assert_array_equal(mask.levels, np.where(alpha, MASK, 0))


ORIENTATIONS = {
    2: np.fliplr,
    3: lambda mask: np.rot90(mask, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda mask: np.rot90(mask, -1),
    7: lambda mask: np.rot90(mask, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("ending", ["png", "webp", "jpg"])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_turns_masks(orientation: int, ending: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    options = {"webp": {"lossless": True}, "jpg": {"quality": 100}}.get(ending, {})
    path = saved(tmp_path / f"mask.{ending}", grey_image(), exif=exif, **options)
    upright = ORIENTATIONS[orientation](MASK)
    np.testing.assert_array_equal(read_mask(path).levels > 127, upright > 127)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_tiffs_are_turned_once(orientation: int, dtype: type, tmp_path: Path) -> None:
    path = tiff(tmp_path / "mask.tif", MASK.astype(dtype), orientation=orientation)
    np.testing.assert_array_equal(read_mask(path).levels, ORIENTATIONS[orientation](MASK))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_senseless_orientation_turns_nothing(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    path = saved(tmp_path / "mask.png", grey_image(), exif=exif)
    np.testing.assert_array_equal(read_mask(path).levels, MASK)


@pytest.mark.parametrize("ending", ["tif", "gif", "webp", "png"])
def test_masks_of_several_pages_are_refused_with_their_number(ending: str, tmp_path: Path) -> None:
    pages = [Image.fromarray(np.roll(MASK, n, 1)) for n in (1, 2)]
    path = saved(tmp_path / f"mask.{ending}", grey_image(), save_all=True, append_images=pages)
    with pytest.raises(InputError, match=rf"mask\.{ending} holds 3 pages or frames"):
        read_mask(path)


def test_a_text_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_text("not an image")
    with pytest.raises(InputError, match=r"mask\.png is not an image"):
        read_mask(path)


def test_a_truncated_png_is_refused_by_name(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    path = saved(tmp_path / "mask.png", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"mask\.png is damaged or cut short"):
        read_mask(path)


def test_a_file_that_would_start_an_interpreter_is_no_image(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    grey_image().save(path, format="EPS")
    with pytest.raises(InputError, match=r"mask\.png is not an image"):
        read_mask(path)
