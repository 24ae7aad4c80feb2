"""LMDBs that the test writes, in LSUN's and rosinality's layouts, read without touching them."""

from __future__ import annotations

import hashlib
import io
import multiprocessing
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import lmdb
import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.image_sources import ImageSource, open_source
from l4f_bench.datasets.squares import ByteArray
from l4f_bench.errors import InputError, MissingDependencyError


def pixels(number: int, side: int = 8) -> ByteArray:
    return np.random.default_rng(number).integers(0, 256, (side, side, 3), np.uint8)


def encoded(array: np.ndarray, kind: str = "WEBP", **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, kind, lossless=True, **options)
    return file.getvalue()


def write(folder: Path, entries: dict[bytes, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    environment = lmdb.open(str(folder), map_size=1 << 26)
    with environment, environment.begin(write=True) as transaction:
        for key, value in entries.items():
            transaction.put(key, value)
    (folder / "lock.mdb").unlink()
    return folder


def lsun(folder: Path, num_images: int = 20) -> tuple[Path, dict[bytes, ByteArray]]:
    images = {hashlib.sha1(b"%d" % n).hexdigest().encode(): pixels(n) for n in range(num_images)}
    return write(folder, {key: encoded(image) for key, image in images.items()}), images


def prepared(folder: Path, sides: tuple[int, ...] = (128, 16, 8), num_images: int = 12) -> Path:
    entries = {
        b"%d-%05d" % (side, n): encoded(pixels(n, side))
        for side in sides
        for n in range(num_images)
    }
    return write(folder, {**entries, b"length": b"%d" % num_images})


def all_images(source: ImageSource, side: int) -> list[ByteArray | None]:
    return [source.read(number, side) for number in range(len(source))]


def test_lsun_images_come_in_the_order_of_their_keys(tmp_path: Path) -> None:
    folder, images = lsun(tmp_path / "cat")
    source = open_source(folder, 8)
    assert len(source) == 20
    for number, key in enumerate(sorted(images)):
        np.testing.assert_array_equal(source.read(number, 8), images[key].transpose(2, 0, 1))
        assert key.decode() in source.name(number)


def test_a_prepared_lmdb_gives_the_resolution_that_is_asked_for(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "prepared")
    for side in (8, 16, 128):
        source = open_source(folder, side)
        assert len(source) == 12
        for number in range(12):
            expected = pixels(number, side).transpose(2, 0, 1)
            np.testing.assert_array_equal(source.read(number, side), expected)


def test_a_missing_resolution_is_refused_with_those_there_are(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "prepared")
    for absent in (1, 12, 64):
        with pytest.raises(InputError, match=r"Its resolutions: 8, 16, 128\.$"):
            open_source(folder, absent)


def test_an_unfinished_prepared_lmdb_is_refused(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "prepared")
    write(folder, {b"length": b"13"})
    with pytest.raises(InputError, match="should hold 13 images but lacks 8-00012"):
        open_source(folder, 8)
    write(folder, {b"length": b"many"})
    with pytest.raises(InputError, match="not a number of images"):
        open_source(folder, 8)


def test_reading_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    folder, _ = lsun(tmp_path / "cat")
    before = [(path.name, path.read_bytes()) for path in folder.iterdir()]
    folder.chmod(0o500)
    try:
        source = open_source(folder, 8)
        source.fingerprint()
        assert all(image is not None for image in all_images(source, 8))
    finally:
        folder.chmod(0o700)
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == before


def test_threads_share_an_lmdb_and_it_opens_twice(tmp_path: Path) -> None:
    folder, images = lsun(tmp_path / "cat")
    sources = [open_source(folder, 8), open_source(folder, 8)]
    expected = [images[key].transpose(2, 0, 1) for key in sorted(images)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: sources[n % 2].read(n // 2 % 20, 8), range(400)))
    for number, image in enumerate(found):
        np.testing.assert_array_equal(image, expected[number // 2 % 20])


def test_a_forked_process_opens_it_for_itself(tmp_path: Path) -> None:
    folder, images = lsun(tmp_path / "cat")
    source, other = open_source(folder, 8), open_source(folder, 8)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()

    def child() -> None:
        assert other.read(0, 8) is not None
        queue.put([None if image is None else image.tobytes() for image in all_images(source, 8)])

    process = context.Process(target=child)
    process.start()
    process.join(30)
    assert process.exitcode == 0
    assert queue.get() == [images[key].transpose(2, 0, 1).tobytes() for key in sorted(images)]
    np.testing.assert_array_equal(source.read(3, 8), images[sorted(images)[3]].transpose(2, 0, 1))


@pytest.mark.parametrize("damage", ["type", "table", "keys"])
def test_damaged_pages_are_refused_in_one_line(damage: str, tmp_path: Path) -> None:
    folder, images = lsun(tmp_path / "cat", 200)
    file = folder / "data.mdb"
    content = bytearray(file.read_bytes())
    leaf = next(start for start in range(8192, len(content), 4096) if content[start + 10] == 2)
    if damage == "keys":
        content = content.replace(sorted(images)[100], b"z" * 40)
    else:
        place = leaf + {"type": 10, "table": 12}[damage]
        content[place : place + 2] = b"\xff\xff"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"data\.mdb is damaged \(.*\)\. Copy it again") as told:
        open_source(folder, 8)
    assert "\n" not in str(told.value)


def test_a_damaged_file_cannot_end_the_process(tmp_path: Path) -> None:
    folder, _ = lsun(tmp_path / "cat", 200)
    file = folder / "data.mdb"
    content = file.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(8):
        damaged = bytearray(content)
        for page in random.integers(2, len(content) // 4096, 6):
            damaged[page * 4096 + random.integers(0, 40)] = random.integers(256)
        file.write_bytes(damaged)
        with suppress(InputError):
            all_images(open_source(folder, 8), 8)


def test_values_that_are_no_images_are_nothing(tmp_path: Path) -> None:
    source = open_source(write(tmp_path / "db", {b"a": b"text", b"b": encoded(pixels(1))}), 8)
    assert source.read(0, 8) is None
    assert source.read(1, 8) is not None


def test_values_are_turned_upright_and_keep_small_levels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 6
    image = pixels(1)
    turned = encoded(np.ascontiguousarray(np.rot90(image)), exif=exif)
    deep = encoded(image[..., 0].astype(np.uint16), "PNG")
    source = open_source(write(tmp_path / "db", {b"a": turned, b"b": deep}), 8)
    upright, grey = all_images(source, 8)
    np.testing.assert_array_equal(upright, image.transpose(2, 0, 1))
    np.testing.assert_array_equal(grey, np.broadcast_to(image[..., 0], (3, 8, 8)))
    (said,) = source.remarks.news()
    assert "16 bits" in said
    assert "key b" in said


def test_the_fingerprint_follows_keys_and_values(tmp_path: Path) -> None:
    first, _ = lsun(tmp_path / "a")
    same, _ = lsun(tmp_path / "b")
    fewer, _ = lsun(tmp_path / "c", 19)
    prints = [open_source(folder, 8).fingerprint() for folder in (first, same, fewer)]
    assert prints[0] == prints[1] != prints[2]
    sizes = prepared(tmp_path / "prepared")
    of_sides = {open_source(sizes, side).fingerprint() for side in (8, 16)}
    other = prepared(tmp_path / "other")
    write(other, {b"8-00007": encoded(pixels(100))})
    of_sides.add(open_source(other, 8).fingerprint())
    assert len(of_sides) == 3


def test_a_file_that_is_cut_short_or_no_lmdb_is_refused(tmp_path: Path) -> None:
    folder, _ = lsun(tmp_path / "cat")
    file = folder / "data.mdb"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) - 4096])
    with pytest.raises(InputError, match="is cut short"):
        open_source(folder, 8)
    for wrong in (b"", b"text" * 4096):
        file.write_bytes(wrong)
        with pytest.raises(InputError, match="cannot be opened as an LMDB"):
            open_source(folder, 8)
    assert list(folder.iterdir()) == [file]


def test_an_empty_lmdb_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        open_source(write(tmp_path / "db", {}), 8)


def test_without_the_package_the_command_to_install_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = lsun(tmp_path / "cat")
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingDependencyError, match="pip install lmdb") as refused:
        open_source(folder, 8)
    assert refused.value.exit_code == 4
