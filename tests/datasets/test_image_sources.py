"""Folders of images: FFHQ's layout, what is passed over, and what is refused in one line."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.image_sources import FolderSource, open_source
from l4f_bench.errors import InputError, MissingAssetError


def save(path: Path, level: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (level, 0, 0)).save(path)
    return path


@pytest.mark.parametrize("copy", ["images1024x1024", "thumbnails128x128"])
def test_ffhq_is_read_in_the_order_of_its_numbers(tmp_path: Path, copy: str) -> None:
    numbers = [0, 1, 999, 1000, 1001, 69000]
    for level, number in enumerate(numbers):
        save(tmp_path / copy / f"{number // 1000 * 1000:05d}" / f"{number:05d}.png", level)
    (tmp_path / "LICENSE.txt").write_text("terms")
    for folder in (tmp_path, tmp_path / copy):
        source = open_source(folder, 8)
        assert len(source) == len(numbers)
        names = [Path(source.name(place)).stem for place in range(len(source))]
        assert names == [f"{number:05d}" for number in numbers]
        for place in range(len(source)):
            image = source.read(place, 8)
            assert image is not None
            np.testing.assert_array_equal(image[0], place)


def test_ffhq_in_two_sizes_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "images1024x1024/00000/00000.png")
    save(tmp_path / "thumbnails128x128/00000/00000.png")
    with pytest.raises(InputError, match="Give one of images1024x1024, thumbnails128x128"):
        open_source(tmp_path, 8)


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    seen = save(tmp_path / "a.png")
    save(tmp_path / ".thumbnails/a.png")
    save(tmp_path / "._a.png").rename(tmp_path / "._a.jpg")
    source = open_source(tmp_path, 8)
    assert [source.name(number) for number in range(len(source))] == [str(seen)]


def test_what_holds_no_images_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MissingAssetError, match="no folder"):
        open_source(tmp_path / "absent", 8)
    with pytest.raises(InputError, match=r"holds no image files \(.*\)\. Give"):
        open_source(tmp_path, 8)
    for number in range(3):
        (tmp_path / f"{number}.tfrecords").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(InputError, match=r"but 3 \.tfrecords files\.") as refused:
        open_source(tmp_path, 8)
    assert "\n" not in str(refused.value)
    with pytest.raises(InputError, match="is a file"):
        open_source(tmp_path / "notes.txt", 8)
    with pytest.raises(MissingAssetError, match="no folder"):
        open_source(tmp_path / ("x" * 300), 8)


def test_a_folder_of_lmdbs_is_refused_with_the_name_of_one(tmp_path: Path) -> None:
    for name in ("horse", "cat"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.mdb").write_bytes(b"")
    with pytest.raises(InputError, match=f"Give the one in it: {tmp_path / 'cat'}"):
        open_source(tmp_path, 8)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every folder")
def test_a_folder_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    try:
        with pytest.raises(InputError, match=f"Cannot read the folder {closed}"):
            open_source(tmp_path, 8)
    finally:
        closed.chmod(0o700)


def test_a_link_to_nothing_is_an_unreadable_image(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "lost.png").symlink_to("nowhere")
    source = open_source(tmp_path, 8)
    assert [source.read(number, 8) is None for number in range(2)] == [False, True]
    assert FolderSource(tmp_path).fingerprint() == source.fingerprint()


def test_what_there_is_to_say_is_told_with_the_paths(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    Image.new("I;16", (8, 8), 200).save(tmp_path / "b.png")
    (tmp_path / "c.heic").touch()
    source = open_source(tmp_path, 8)
    assert source.passed_over == f"Passed over in {tmp_path}: other files (1 .heic)."
    image = source.read(1, 8)
    assert image is not None
    assert image.max() == 200
    (said,) = source.remarks.news()
    assert str(tmp_path / "b.png") in said


def test_the_fingerprint_tells_names_and_sizes_but_reads_no_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png")
    prints = {FolderSource(tmp_path).fingerprint()}
    content = path.read_bytes()
    path.write_bytes(b"x" * len(content))
    assert {FolderSource(tmp_path).fingerprint()} == prints
    path.write_bytes(content + b"x")
    prints.add(FolderSource(tmp_path).fingerprint())
    path.rename(tmp_path / "b.png")
    prints.add(FolderSource(tmp_path).fingerprint())
    assert len(prints) == 3
