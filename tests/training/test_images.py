"""Real images from a folder: any size and mode, unreadable ones counted, the same order always."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from l4f_bench.datasets import image_sources
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.squares import ByteArray
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.training.images import MemoryImages, StreamedImages, open_images

Warn = Callable[[str], object]


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


def noise(folder: Path, num_images: int) -> Path:
    folder.mkdir(exist_ok=True)
    for number in range(num_images):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 13 + number, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02d}.jpg")
    return folder


def streamed(folder: Path, *, strict: bool = False, warn: Warn = fail) -> StreamedImages:
    images = open_images(folder, 8, 0, strict=strict, warn=warn, memory_bytes=0)
    assert isinstance(images, StreamedImages)
    return images


def test_more_than_the_memory_allows_is_streamed(tmp_path: Path) -> None:
    folder = noise(tmp_path, 10)
    size = 10 * 3 * 8 * 8
    kinds = [type(open_images(folder, 8, 0, warn=fail, memory_bytes=n)) for n in (size, size - 1)]
    assert kinds == [MemoryImages, StreamedImages]


@settings(max_examples=25)
@given(
    start=st.integers(0, 60),
    batches=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=8),
)
def test_streaming_changes_neither_order_nor_pixels(
    tmp_path_factory: pytest.TempPathFactory, start: int, batches: list[tuple[int, int]]
) -> None:
    folder = noise(tmp_path_factory.getbasetemp() / "noise", 13)
    kept, read = open_images(folder, 8, 0, warn=fail), streamed(folder)
    for gap, length in batches:
        indices = range(start + gap, start + gap + length)
        np.testing.assert_array_equal(read.batch(indices), kept.batch(indices))
        start = indices.stop


def test_the_next_batch_is_read_ahead_also_of_every_second_process(tmp_path: Path) -> None:
    images = streamed(noise(tmp_path, 30))
    read = images._source.read
    numbers: list[int] = []

    def count(number: int, resolution: int) -> ByteArray | None:
        numbers.append(number)
        return read(number, resolution)

    images._source.read = count  # type: ignore[method-assign]
    for first in (4, 12):  # batches of 4, of which another process takes the others
        images.batch(range(first, first + 4))
    images._ahead._pool.shutdown()  # waits for what was begun
    order = [images._order[index] for index in range(24)]
    assert set(numbers) >= {*order[4:8], *order[12:16], *order[20:24]}
    assert sorted(numbers[-4:]) == sorted(order[20:24])


def test_streaming_replaces_unreadable_images_and_warns_once(tmp_path: Path) -> None:
    folder = noise(tmp_path, 9)
    for number in (3, 4):
        (folder / f"{number:02d}.jpg").write_bytes(b"no image")
    warnings: list[str] = []
    images = streamed(folder, warn=warnings.append)
    found = np.concatenate([images.batch(range(a, a + 3)) for a in range(0, 18, 3)])
    for index, image in enumerate(found):
        number = images._order[index]
        expected = images._source.read(5 if number in (3, 4) else number, 8)
        np.testing.assert_array_equal(image, expected)
    assert images.num_unreadable == 2
    assert len(warnings) == 1
    assert warnings[0].split(".jpg")[0].endswith(("03", "04"))


def test_streaming_strictly_stops_at_an_unreadable_image(tmp_path: Path) -> None:
    folder = noise(tmp_path, 9)
    (folder / "03.jpg").write_bytes(b"no image")
    images = streamed(folder, strict=True)
    with pytest.raises(InputError, match=r"03\.jpg cannot be read"):
        images.batch(range(9))


def test_streaming_refuses_a_folder_without_readable_images(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_text("no image")
    with pytest.raises(InputError, match="None of the 3 images tried can be read"):
        streamed(tmp_path)


def test_streaming_knows_other_data_by_its_digest(tmp_path: Path) -> None:
    one, two = streamed(noise(tmp_path / "a", 5)), streamed(noise(tmp_path / "b", 6))
    assert one.digest == streamed(tmp_path / "a").digest != two.digest


def test_an_lmdb_trains_like_the_folder_that_it_was_made_of(tmp_path: Path) -> None:
    folder = noise(tmp_path / "files", 7)
    (tmp_path / "lmdb").mkdir()
    environment = lmdb.open(str(tmp_path / "lmdb"), map_size=1 << 24)
    with environment, environment.begin(write=True) as transaction:
        for path in folder.iterdir():
            transaction.put(path.name.encode(), path.read_bytes())
    expected = open_images(folder, 8, 0, warn=fail).batch(range(14))
    for memory_bytes in (0, 1 << 20):
        images = open_images(tmp_path / "lmdb", 8, 0, warn=fail, memory_bytes=memory_bytes)
        np.testing.assert_array_equal(images.batch(range(14)), expected)


def test_what_is_passed_over_is_said_or_refused(tmp_path: Path) -> None:
    colours(tmp_path, 2)
    (tmp_path / "c.heic").touch()
    warnings: list[str] = []
    assert len(open_images(tmp_path, 8, 0, warn=warnings.append).batch(range(2))) == 2
    assert warnings == [f"Passed over in {tmp_path}: other files (1 .heic)."]
    with pytest.raises(InputError, match=r"other files \(1 \.heic\)\. Remove them"):
        open_images(tmp_path, 8, 0, strict=True, warn=fail)


@pytest.mark.parametrize("memory_bytes", [0, 1 << 20])
def test_what_there_is_to_say_of_images_is_said_once(memory_bytes: int, tmp_path: Path) -> None:
    colours(tmp_path, 3)
    Image.new("I;16", (10, 10), 99).save(tmp_path / "deep.png")
    pages = [Image.new("L", (10, 10), level) for level in (1, 2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages)
    warnings: list[str] = []
    images = open_images(tmp_path, 8, 0, warn=warnings.append, memory_bytes=memory_bytes)
    for _ in range(4):
        assert 99 in images.batch(range(5))
    assert len(warnings) == 2
    assert "several pages" in warnings[0]
    assert "16 bits or more but no level above 255" in warnings[1]


@pytest.mark.parametrize("memory_bytes", [0, 1 << 20])
def test_links_to_nothing_are_unreadable_images(memory_bytes: int, tmp_path: Path) -> None:
    colours(tmp_path, 3)
    (tmp_path / "lost.png").symlink_to("nowhere")
    warnings: list[str] = []
    images = open_images(tmp_path, 8, 0, warn=warnings.append, memory_bytes=memory_bytes)
    images.batch(range(8))
    assert len(warnings) == 1
    assert "lost.png" in warnings[0]


@pytest.mark.parametrize("change", ["remove", "empty", "exchange", "damage"])
def test_streaming_stops_at_an_image_that_is_not_the_one_it_was(
    change: str, tmp_path: Path
) -> None:
    folder = noise(tmp_path, 8)
    (folder / "03.jpg").write_bytes(b"no image")  # from the beginning, and no reason to stop
    warnings: list[str] = []
    images = streamed(folder, warn=warnings.append)
    images.batch(range(8))
    path = folder / "05.jpg"
    if change == "remove":
        path.unlink()
    else:
        content = {"empty": b"", "exchange": (folder / "06.jpg").read_bytes()}
        path.write_bytes(content.get(change, b"x" * path.stat().st_size))
    with pytest.raises(InputError, match=r"05\.jpg is gone or was changed"):
        images.batch(range(16, 24))  # the eight before are read ahead already
    assert len(warnings) == 1


def test_an_image_that_is_removed_while_all_are_read_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = noise(tmp_path, 8)
    listed = image_sources.image_files

    def list_and_remove(path: Path) -> Listing:
        found = listed(path)
        found.paths = _Removing(found.paths)
        return found

    class _Removing(list[Path]):
        """Files of which one is removed once all have been looked at."""

        def __iter__(self) -> Iterator[Path]:
            yield from super().__iter__()
            (folder / "05.jpg").unlink(missing_ok=True)

    monkeypatch.setattr(image_sources, "image_files", list_and_remove)
    with pytest.raises(InputError, match=r"05\.jpg is gone or was changed"):
        open_images(folder, 8, 0, warn=fail)
