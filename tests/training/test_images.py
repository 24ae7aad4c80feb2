"""Real images from a folder: any size and mode, unreadable ones counted, the same order always."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.training.images import MemoryImages, StreamedImages, open_images


def fail(text: str) -> None:
    raise AssertionError(text)


def colours(folder: Path, num_images: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(num_images):
        Image.new("RGB", (10, 10), (number * 20, 0, 0)).save(folder / f"{number}.png")
    return folder


def test_sizes_and_modes_are_brought_to_one(tmp_path: Path) -> None:
    Image.new("L", (30, 20), 50).save(tmp_path / "a.png")
    Image.new("RGBA", (8, 40), (10, 20, 30, 255)).save(tmp_path / "b.png")
    Image.new("P", (16, 16)).save(tmp_path / "c.png")
    (tmp_path / "sub").mkdir()
    Image.new("CMYK", (16, 16)).save(tmp_path / "sub/d.jpg")
    (tmp_path / "notes.txt").write_text("no image")
    images = open_images(tmp_path, 16, 0, warn=fail)
    assert images.batch(range(4)).shape == (4, 3, 16, 16)


def test_the_middle_square_is_kept(tmp_path: Path) -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    batch = open_images(tmp_path, 8, 0, warn=fail).batch([0])
    np.testing.assert_array_equal(batch, 200)


def test_every_epoch_holds_every_image_once_in_another_order(tmp_path: Path) -> None:
    images = open_images(colours(tmp_path, 10), 8, 0, warn=fail)
    first, second = (images.batch(range(a, a + 10))[:, 0, 0, 0] for a in (0, 10))
    assert sorted(first) == sorted(second) == [20 * number for number in range(10)]
    assert list(first) != list(second)
    across = images.batch(range(5, 15))[:, 0, 0, 0]
    assert list(across) == [*first[5:], *second[:5]]


def test_unreadable_images_are_skipped_and_counted_or_refused(tmp_path: Path) -> None:
    colours(tmp_path, 3)
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "bad.png").write_bytes(whole[:40])
    (tmp_path / "text.jpg").write_text("no image")
    warnings: list[str] = []
    images = open_images(tmp_path, 8, 0, warn=warnings.append)
    assert isinstance(images, MemoryImages)
    assert len(images) == 3
    assert len(warnings) == 1
    assert warnings[0].startswith("2 of 5 images cannot be read")
    with pytest.raises(InputError, match=r"bad.png cannot be read \(2 such files\)"):
        open_images(tmp_path, 8, 0, strict=True, warn=fail)


def test_an_empty_or_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no image"):
        open_images(tmp_path, 8, 0, warn=fail)
    with pytest.raises(MissingAssetError, match="no folder"):
        open_images(tmp_path / "absent", 8, 0, warn=fail)


def test_another_picture_is_another_digest(tmp_path: Path) -> None:
    one = open_images(colours(tmp_path / "a", 2), 8, 0, warn=fail)
    two = open_images(colours(tmp_path / "b", 3), 8, 0, warn=fail)
    again = open_images(tmp_path / "a", 8, 5, warn=fail)
    assert one.digest == again.digest != two.digest


def streamed(folder: Path, seed: int = 0, *, strict: bool = False, **kw: object) -> StreamedImages:
    images = open_images(folder, 8, seed, strict=strict, warn=fail, memory_bytes=0)
    assert isinstance(images, StreamedImages)
    return images


def noise(folder: Path, num_images: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(num_images):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 13 + number, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.jpg")
    return folder
