"""What stands where an image should: each is told in one line, and nothing is waited for."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.decoding import UnreadableError, decode, size_of
from l4f_bench.datasets.squares import read_rgb
from tests.image_files import png16

READERS: tuple[Callable[[Path], object], ...] = (decode, size_of, read_rgb)


def link(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def content(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


WRONG = {
    "absent": (lambda path: path, "does not exist"),
    "link to nothing": (lambda path: link(path, "nowhere"), "is a link to nothing"),
    "link to itself": (lambda path: link(path, "image.png"), os.strerror(errno.ELOOP)),
    "long name": (lambda path: path.with_name("x" * 300), os.strerror(errno.ENAMETOOLONG)),
    "pipe": (pipe, "pipe or device"),
    "endless device": (lambda path: link(path, "/dev/zero"), "pipe or device"),
    "folder": (folder, "is a folder"),
    "empty": (lambda path: content(path, b""), "is not an image"),
    "text": (lambda path: content(path, b"no image"), "is not an image"),
    "text in a GIF's clothes": (lambda path: content(path, b"GIF89a"), "not an image|damaged"),
}


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_no_image_is_told_in_one_line(
    kind: str, read: Callable[[Path], object], tmp_path: Path
) -> None:
    make, said = WRONG[kind]
    path = make(tmp_path / "image.png")
    with pytest.raises(UnreadableError, match=said) as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "error", [IndexError("index out of range"), SyntaxError("broken"), KeyError(3), OSError("a\nb")]
)
def test_any_error_of_a_decoder_is_one_line(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "image.png")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(UnreadableError, match=r"image\.png is damaged or cut short \(.") as told:
        decode(tmp_path / "image.png")
    assert "\n" not in str(told.value)


def test_a_colour_profile_without_content_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    Image.new("L", (2, 2)).save(path)
    data = path.read_bytes()
    end = data.index(b"IEND") - 4
    profile = b"\0\0\0\0iCCP" + zlib.crc32(b"iCCP").to_bytes(4, "big")
    path.write_bytes(data[:end] + profile + data[end:])  # Pillow raises an IndexError
    with pytest.raises(UnreadableError, match="damaged or cut short"):
        decode(path)


def test_running_out_of_memory_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "image.png")

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(MemoryError):
        decode(tmp_path / "image.png")


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    path = content(tmp_path / "image.png", b"")
    path.chmod(0)
    with pytest.raises(UnreadableError, match="Permission denied"):
        decode(path)


def test_the_size_is_read_without_decoding(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    noise = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:900])
    assert size_of(path) == (30, 20)
    with pytest.raises(UnreadableError):
        decode(path)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_file_tells_whether_it_goes_beyond_8_bits(channels: int, tmp_path: Path) -> None:
    for top, beyond in ((0, False), (255, False), (256, True), (65535, True)):
        levels = np.full((2, 2, channels), top)
        assert decode(png16(tmp_path / "image.png", levels)).goes_beyond is beyond


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
def test_libraries_print_nothing_about_damaged_files(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (24, 36), np.uint8)).convert("1")
    image.save(tmp_path / "whole.tif", compression="group4")
    whole = (tmp_path / "whole.tif").read_bytes()
    num_refused = 0
    for cut in range(8, len(whole), 7):
        path = content(tmp_path / "damaged.tif", whole[:cut] + b"\xff" * 8 + whole[cut + 8 :])
        try:
            decode(path)
        except UnreadableError:
            num_refused += 1
    assert num_refused > 9
    assert capfd.readouterr().err == ""
