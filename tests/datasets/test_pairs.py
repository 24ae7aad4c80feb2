from __future__ import annotations

from pathlib import Path

import pytest

from l4f_bench.datasets.pairs import list_images, natural_key, pair_files
from l4f_bench.errors import InputError


def folder(root: Path, name: str, *files: str) -> list[Path]:
    (root / name).mkdir()
    for file in files:
        (root / name / file).touch()
    return list_images(root / name)


def names(pairs: list[tuple[Path, Path]]) -> list[tuple[str, str]]:
    return [(a.name, b.name) for a, b in pairs]


def test_numbers_in_names_sort_as_numbers() -> None:
    paths = [Path(name) for name in ("Car10.png", "Car2.png", "car1.png", "0.png")]
    ordered = [path.name for path in sorted(paths, key=natural_key)]
    assert ordered == ["0.png", "car1.png", "Car2.png", "Car10.png"]


def test_only_visible_image_files_are_listed(tmp_path: Path) -> None:
    found = folder(tmp_path, "a", "1.png", "2.JPG", ".3.png", "notes.txt", "Thumbs.db")
    assert [path.name for path in found] == ["1.png", "2.JPG"]


def test_equal_stems_pair_whatever_the_extension_and_order(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", "x10.png", "x9.png", "b.png")
    second = folder(tmp_path, "b", "b.jpg", "x9.jpg", "x10.jpg")
    pairs, by_order = pair_files(first, second)
    assert names(pairs) == [("b.png", "b.jpg"), ("x9.png", "x9.jpg"), ("x10.png", "x10.jpg")]
    assert not by_order


def test_other_names_pair_by_natural_order(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", *(f"{i}.png" for i in range(11)))
    second = folder(tmp_path, "b", *(f"Face{i + 1}.png" for i in range(11)))
    pairs, by_order = pair_files(first, second)
    assert by_order
    assert names(pairs)[2] == ("2.png", "Face3.png")
    assert names(pairs)[10] == ("10.png", "Face11.png")


def test_unequal_counts_name_the_files_left_over(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", "1.png", "2.png", "3.png")
    second = folder(tmp_path, "b", "1.png", "3.png")
    with pytest.raises(InputError, match=r"without partner: a/2\.png\."):
        pair_files(first, second)


def test_order_never_contradicts_names_that_agree(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", "a.png", "b.png", "c.png")
    second = folder(tmp_path, "b", "a.png", "c.png", "d.png")
    with pytest.raises(InputError, match=r"a/b\.png, b/d\.png"):
        pair_files(first, second)


def test_two_files_of_one_stem_are_refused(tmp_path: Path) -> None:
    first = folder(tmp_path, "a", "1.png", "1.jpg")
    with pytest.raises(InputError, match="same stem"):
        pair_files(first, first)


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list_images(tmp_path / "none")
    with pytest.raises(InputError, match="holds no images"):
        folder(tmp_path, "empty", "readme.txt")
