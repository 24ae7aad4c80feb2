"""Images of every mode and depth become the same RGB squares; damaged ones are refused."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.remarks import Remark
from l4f_bench.datasets.squares import ByteArray, read_rgb, read_square
from tests.image_files import png16

GREYS = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> io.BytesIO:
    file = io.BytesIO()
    image.save(file, kind, **options)
    file.seek(0)
    return file


def colours() -> ByteArray:
    return np.stack([GREYS, GREYS[::-1], GREYS.T], -1)


GREY = Image.fromarray(GREYS)
RGB = Image.fromarray(colours())
SAME_GREYS = {
    "grey": (GREY, "PNG"),
    "palette": (GREY.convert("P"), "PNG"),
    "grey with alpha": (GREY.convert("LA"), "PNG"),
    "16 bits": (Image.fromarray(GREYS.astype(np.uint16) * 257), "PNG"),
    "16 bits in TIFF": (Image.fromarray(GREYS.astype(np.uint16) * 257), "TIFF"),
    "32-bit integers": (Image.fromarray(GREYS.astype(np.int32) * 257), "TIFF"),
    "CMYK": (
        Image.merge("CMYK", [*3 * [Image.fromarray(255 - GREYS)], Image.new("L", (8, 8))]),
        "TIFF",
    ),
}


@pytest.mark.parametrize("name", SAME_GREYS)
def test_grey_levels_survive_every_mode(name: str) -> None:
    image, kind = SAME_GREYS[name]
    square = read_square(encoded(image, kind), 8)
    np.testing.assert_array_equal(square.pixels, np.broadcast_to(GREYS, (3, 8, 8)))
    assert square.remarks == ()


def test_an_alpha_channel_is_dropped() -> None:
    image = RGB.copy()
    image.putalpha(GREY)
    pixels = read_square(encoded(image), 8).pixels
    np.testing.assert_array_equal(pixels, colours().transpose(2, 0, 1))


def test_a_palette_with_transparent_entries_is_read_without_a_warning() -> None:
    file = encoded(GREY.convert("P"), transparency=bytes(range(256)))
    np.testing.assert_array_equal(read_square(file, 8).pixels, np.broadcast_to(GREYS, (3, 8, 8)))


def test_the_middle_square_is_resized_by_lanczos() -> None:
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    expected = wide.resize((9, 9), Image.Resampling.LANCZOS, box=(5, 0, 25, 20))
    np.testing.assert_array_equal(
        read_square(encoded(wide), 9).pixels, np.asarray(expected).transpose(2, 0, 1)
    )


SMALL_LEVELS = {
    "16 bits": (Image.fromarray(GREYS.astype(np.uint16)), "PNG", Remark.SMALL),
    "16 bits in TIFF": (Image.fromarray(GREYS.astype(np.uint16)), "TIFF", Remark.SMALL),
    "32 bits": (Image.fromarray(GREYS.astype(np.int32)), "TIFF", Remark.SMALL),
    "floats to 1": (Image.fromarray(GREYS / np.float32(255)), "TIFF", Remark.FLOATS),
    "floats to 255": (Image.fromarray(GREYS.astype(np.float32)), "TIFF", Remark.WHOLE_FLOATS),
}


@pytest.mark.parametrize("name", SMALL_LEVELS)
def test_small_levels_do_not_become_black(name: str) -> None:
    image, kind, remark = SMALL_LEVELS[name]
    square = read_square(encoded(image, kind), 8)
    np.testing.assert_array_equal(square.pixels, np.broadcast_to(GREYS, (3, 8, 8)))
    assert square.remarks == (remark,)


@pytest.mark.parametrize("channels", [3, 4])
def test_small_levels_of_48_bit_colours_do_not_become_black(channels: int, tmp_path: Path) -> None:
    levels = np.full((8, 8, channels), 65535)
    levels[..., :3] = colours()
    square = read_square(png16(tmp_path / "photo.png", levels), 8)
    np.testing.assert_array_equal(square.pixels, colours().transpose(2, 0, 1))
    assert square.remarks == (Remark.SMALL,)


@pytest.mark.parametrize("factor", [16, 64])
def test_levels_of_12_and_14_bits_are_said_to_be_dark(factor: int, tmp_path: Path) -> None:
    grey = encoded(Image.fromarray(GREYS.astype(np.uint16) * factor))
    assert read_square(grey, 8).remarks == (Remark.DARK,)
    colour = png16(tmp_path / "photo.png", colours().astype(np.uint16) * factor)
    assert read_square(colour, 8).remarks == (Remark.DARK,)


def test_levels_without_a_range_are_not_guessed() -> None:
    for image in (Image.new("F", (8, 8), 2.5), Image.new("I", (8, 8), 1 << 20)):
        with pytest.raises(UnreadableError, match="Save it as an 8-bit PNG"):
            read_square(encoded(image, "TIFF"), 8)


def turned(kind: str) -> io.BytesIO:
    """The colours as a camera on its side stores them."""
    exif = Image.Exif()
    exif[274] = 6  # to be shown turned clockwise
    stored = Image.fromarray(np.ascontiguousarray(np.rot90(colours())))
    return encoded(stored, kind, exif=exif, lossless=True)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_photographs_are_turned_upright_unless_they_are_taken_as_stored(kind: str) -> None:
    upright = colours().transpose(2, 0, 1)
    for photograph in (read_square(turned(kind), 8), read_rgb(turned(kind))):
        np.testing.assert_array_equal(photograph.pixels, upright)
        assert photograph.remarks == ()
    stored = read_rgb(turned(kind), upright=False)
    np.testing.assert_array_equal(stored.pixels, np.rot90(upright, axes=(1, 2)))
    assert stored.remarks == (Remark.TURNED,)


def test_damaged_exif_data_are_none() -> None:
    file = encoded(RGB, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    np.testing.assert_array_equal(read_square(file, 8).pixels, colours().transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["TIFF", "PNG", "WEBP"])
def test_of_several_pages_the_first_counts_and_it_is_said(kind: str) -> None:
    more = {"save_all": True, "append_images": [RGB.rotate(90)], "lossless": True}
    square = read_square(encoded(RGB, kind, **more), 8)
    np.testing.assert_array_equal(square.pixels, colours().transpose(2, 0, 1))
    assert square.remarks == (Remark.PAGES,)


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31)
    with pytest.raises(UnreadableError, match="too many pixels"):
        read_square(encoded(RGB), 8)


def test_postscript_under_another_name_is_not_interpreted(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(RGB, "EPS").getvalue())
    with Image.open(path) as image:
        assert image.format == "EPS"
    with pytest.raises(UnreadableError, match="is not an image"):
        read_square(path, 8)


def shape_or_message(file: io.BytesIO) -> tuple[int, ...] | str:
    try:
        return read_square(file, 8).pixels.shape
    except UnreadableError as error:
        return str(error)


@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"]), data=st.data())
def test_damaged_files_give_an_image_or_one_line(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(RGB, kind).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    found = shape_or_message(io.BytesIO(content))
    assert found == (3, 8, 8) or "\n" not in str(found)
