"""What a folder holds: links, loops, endings, and what is passed over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from l4f_bench.datasets.listing import Listing, list_folder
from l4f_bench.errors import InputError
from l4f_bench.escapes import printable


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(found: Listing) -> list[str]:
    return [found.name(path) for path in found.paths]


@pytest.mark.parametrize(
    "ending",
    [
        *("png", "jpg", "jpeg", "jpe", "jfif", "bmp", "tif", "tiff", "webp", "gif"),
        *("pbm", "pgm", "ppm", "pnm", "JPG", "Jfif"),
    ],
)
def test_endings_that_are_read(ending: str, tmp_path: Path) -> None:
    touch(tmp_path / f"image.{ending}")
    found = list_folder(tmp_path)
    assert names(found) == [f"image.{ending}"]
    assert found.passed_over is None


def test_texts_tables_and_hidden_files_are_not_worth_a_word(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("LICENSE.txt", "a.json", "b.CSV", "Thumbs.db", ".x.png")))
    found = list_folder(tmp_path)
    assert (found.paths, found.passed_over) == ([], None)


def test_files_that_might_be_images_are_counted(tmp_path: Path) -> None:
    touch(*(tmp_path / name for name in ("a.heic", "b.HEIC", "c.avif", "sub/d", "e.png")))
    said = list_folder(tmp_path).passed_over
    assert said == f"Passed over in {tmp_path}: other files (2 .heic, 1 .avif, 1 nameless)."


def test_odd_endings_do_not_reach_the_terminal(tmp_path: Path) -> None:
    touch(tmp_path / "a.\x1b[31m", tmp_path / f"b.{'c' * 100}", tmp_path / "d.e\nf")
    said = list_folder(tmp_path).passed_over
    assert said is not None
    assert "(3 oddly named)" in said


def test_links_to_folders_are_followed(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere/deep/a.png", tmp_path / "images/b.png")
    (tmp_path / "images/more").symlink_to(tmp_path / "elsewhere")
    found = list_folder(tmp_path / "images")
    assert names(found) == ["b.png", "more/deep/a.png"]
    assert found.passed_over is None


def test_a_folder_is_read_once_under_its_own_name(tmp_path: Path) -> None:
    touch(tmp_path / "z/a.png")
    (tmp_path / "b").symlink_to("z")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "z/up").symlink_to("..")
    found = list_folder(tmp_path)
    assert names(found) == ["z/a.png"]
    assert found.num_repeated == 3
    assert "links to folders that are read already (3)" in str(found.passed_over)


def test_links_that_multiply_are_no_work(tmp_path: Path) -> None:
    touch(tmp_path / "0/a.png")
    for level in range(1, 40):  # 2 ** 39 ways to the file
        (tmp_path / str(level)).mkdir()
        for name in ("x", "y"):
            (tmp_path / str(level) / name).symlink_to(tmp_path / str(level - 1))
    assert len(list_folder(tmp_path / "39").paths) == 1


def test_links_without_an_end_stand_in_the_list_of_files(tmp_path: Path) -> None:
    (tmp_path / "lost.png").symlink_to("nowhere")
    (tmp_path / "itself.png").symlink_to("itself.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert names(list_folder(tmp_path)) == ["itself.png", "lost.png", "pipe.png"]


def test_a_folder_with_an_images_name_is_a_folder(tmp_path: Path) -> None:
    touch(tmp_path / "a.png/b.png")
    assert names(list_folder(tmp_path)) == ["a.png/b.png"]


def test_a_folder_can_be_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "a.png", tmp_path / "out/masks/a.png", tmp_path / "out/config.bin")
    found = list_folder(tmp_path, without=tmp_path / "out")
    assert names(found) == ["a.png"]
    assert found.passed_over is None
    assert len(list_folder(tmp_path, without=tmp_path / "absent").paths) == 2


def test_names_that_are_no_utf8_are_listed_and_can_be_printed(tmp_path: Path) -> None:
    touch(tmp_path / os.fsdecode(b"\xff.png"), tmp_path / "\u2028é.png")
    shown = [printable(name) for name in names(list_folder(tmp_path))]
    assert shown == ["\u2028é.png", "\\xff.png"]
    "".join(shown).encode()


def test_what_is_no_folder_is_told_in_one_line(tmp_path: Path) -> None:
    touch(tmp_path / "file")
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (
        ("absent", "does not exist"),
        ("file", "is a file"),
        ("loop", "cannot be read"),
        ("x" * 300, "cannot be read"),
        ("file/below", "cannot be read"),
    ):
        with pytest.raises(InputError, match=said):
            list_folder(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may enter every folder")
def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    try:
        with pytest.raises(InputError, match=r"Cannot read the folder .*closed: Permission"):
            list_folder(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_a_folder_that_disappears_meanwhile_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(path: object) -> None:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(os, "scandir", gone)
    with pytest.raises(InputError, match="Cannot read the folder"):
        list_folder(tmp_path)
