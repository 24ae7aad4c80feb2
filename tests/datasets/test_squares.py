"""Images of every mode become the same RGB squares, and damaged ones become nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from l4f_bench.datasets.squares import ByteArray, read_square

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
    np.testing.assert_array_equal(square, np.broadcast_to(GREYS, (3, 8, 8)))


def test_an_alpha_channel_is_dropped() -> None:
    image = RGB.copy()
    image.putalpha(GREY)
    np.testing.assert_array_equal(read_square(encoded(image), 8), colours().transpose(2, 0, 1))


def test_a_palette_with_transparent_entries_is_read_without_a_warning() -> None:
    file = encoded(GREY.convert("P"), transparency=bytes(range(256)))
    np.testing.assert_array_equal(read_square(file, 8), np.broadcast_to(GREYS, (3, 8, 8)))


def test_the_middle_square_is_resized_by_lanczos() -> None:
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8))
    expected = wide.resize((9, 9), Image.Resampling.LANCZOS, box=(5, 0, 25, 20))
    np.testing.assert_array_equal(
        read_square(encoded(wide), 9), np.asarray(expected).transpose(2, 0, 1)
    )


def test_levels_of_unknown_range_are_not_guessed() -> None:
    assert read_square(encoded(Image.new("F", (8, 8), 0.5), "TIFF"), 8) is None
    assert read_square(encoded(Image.new("I", (8, 8), 1 << 20), "TIFF"), 8) is None


def test_a_decompression_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 31)
    assert read_square(encoded(RGB), 8) is None


def test_postscript_under_another_name_is_not_interpreted(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(encoded(RGB, "EPS").getvalue())
    with Image.open(path) as image:
        assert image.format == "EPS"
    assert read_square(path, 8) is None


@given(kind=st.sampled_from(["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"]), data=st.data())
def test_damaged_files_give_an_image_or_nothing(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(RGB, kind).getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    square = read_square(io.BytesIO(content), 8)
    assert square is None or square.shape == (3, 8, 8)
