"""Files pair by their names, by order only where their numbers say so, and else not at all."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.pairs import Pairs, list_images, natural_key, pair_files
from l4f_bench.errors import InputError


def folder(root: Path, name: str, *files: str) -> Listing:
    for file in files:
        path = root / name / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / name).mkdir(exist_ok=True)
    return list_images(root / name)


def paired(root: Path, first: list[str], second: list[str]) -> Pairs:
    return pair_files(folder(root, "a", *first), folder(root, "b", *second))


def names(pairs: Pairs, root: Path) -> list[tuple[str, str]]:
    return [
        (a.relative_to(root / "a").as_posix(), b.relative_to(root / "b").as_posix())
        for a, b in pairs.matched
    ]


def numbered(pattern: str, numbers: range) -> list[str]:
    return [pattern.format(number) for number in numbers]


def test_numbers_in_names_sort_as_numbers() -> None:
    ordered = sorted(("Car10.png", "Car2.png", "car1.png", "0.png"), key=natural_key)
    assert ordered == ["0.png", "car1.png", "Car2.png", "Car10.png"]


def test_only_visible_image_files_are_listed(tmp_path: Path) -> None:
    found = folder(tmp_path, "a", "1.png", "2.JPG", ".3.png", "notes.txt", "Thumbs.db")
    assert [path.name for path in found.paths] == ["1.png", "2.JPG"]


def test_equal_stems_pair_whatever_the_extension_and_order(tmp_path: Path) -> None:
    pairs = paired(tmp_path, ["x10.png", "x9.png", "b.png"], ["b.jpg", "x9.jpg", "x10.jpg"])
    assert names(pairs, tmp_path) == [
        ("b.png", "b.jpg"),
        ("x9.png", "x9.jpg"),
        ("x10.png", "x10.jpg"),
    ]
    assert not pairs.by_order


def test_nested_files_pair_by_their_paths(tmp_path: Path) -> None:
    pairs = paired(
        tmp_path, ["1.png", "s/1.png", "t/deep/1.png"], ["t/deep/1.jpg", "s/1.png", "1.gif"]
    )
    assert names(pairs, tmp_path) == [
        ("1.png", "1.gif"),
        ("s/1.png", "s/1.png"),
        ("t/deep/1.png", "t/deep/1.jpg"),
    ]
    assert not pairs.by_order


def test_names_pair_in_either_normal_form(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    pairs = paired(tmp_path, [f"{composed}.png", "e.png"], [f"{decomposed}.png", "e.png"])
    assert not pairs.by_order
    assert {a.stem: b.stem for a, b in pairs.matched} == {composed: decomposed, "e": "e"}


def test_leading_zeros_do_not_keep_names_apart(tmp_path: Path) -> None:
    pairs = paired(tmp_path, ["1.png", "2.png", "x10y03.png"], ["001.png", "02.png", "x010y3.png"])
    assert not pairs.by_order
    assert names(pairs, tmp_path)[0] == ("1.png", "001.png")
    assert names(pairs, tmp_path)[2] == ("x10y03.png", "x010y3.png")


def test_leading_zeros_count_where_they_tell_files_apart(tmp_path: Path) -> None:
    pairs = paired(tmp_path, ["1.png", "01.png"], ["01.png", "1.png"])
    assert all(a.name == b.name for a, b in pairs.matched)
    with pytest.raises(InputError, match=r"a/01\.png, b/001\.png"):
        paired(tmp_path / "other", ["1.png", "01.png"], ["1.png", "001.png"])


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (numbered("{}.png", range(11)), numbered("Face{}.png", range(1, 12))),
        (numbered("Face{}.png", range(1, 12)), numbered("{}.png", range(1, 12))),
        (numbered("{}.png", range(100, 104)), numbered("{}.png", range(4))),
        (numbered("v2_{}_512.png", range(9, 12)), numbered("m{}.png", range(10, 13))),
        (numbered("s/{:05d}.png", range(12)), numbered("{}.png", range(12))),
        (["cat_pred.png", "cat2_pred.png", "dog_pred.png"], ["cat.png", "cat2.png", "dog.png"]),
        (["0a1b_mask.png", "77c_mask.png"], ["0a1b.jpg", "77c.jpg"]),
        (["1_sal.png", "11_sal.png"], ["1.png", "11.png"]),
        (["prediction.png"], ["truth.png"]),
    ],
)
def test_names_that_differ_alike_pair_and_it_is_known(
    first: list[str], second: list[str], tmp_path: Path
) -> None:
    pairs = paired(tmp_path, first, second)
    assert pairs.by_order
    assert sorted(names(pairs, tmp_path)) == sorted(zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("first", "second", "alone"),
    [
        # One prediction is lost and another too many: order would pair 4 with 3.
        (
            [f"{n}_sal.png" for n in (1, 2, 4, 5)],
            [f"{n}.png" for n in (1, 2, 3, 4)],
            r"a/5_sal\.png, b/3\.png\.",
        ),
        (["1.png", "2.png", "4.png"], ["x1.png", "x2.png", "x3.png"], r"a/4\.png, b/x3\.png\."),
        (["10.png", "20.png"], ["1.png", "2.png"], r"a/10\.png, a/20\.png, b/1\.png, b/2\.png"),
        (["a.png", "b.png"], ["c.png", "d.png"], r"a/a\.png, a/b\.png, b/c\.png, b/d\.png"),
        (["s/1.png", "t/1.png"], ["u/1.png", "v/1.png"], r"a/s/1\.png, a/t/1\.png"),
        (numbered("{}.png", range(9)), numbered("{}.png", range(1, 10)), r"a/0\.png, b/9\.png\."),
        (["1.png", "2.png", "3.png"], ["1.png", "3.png"], r"partner: a/2\.png\."),
        (["a.png", "b.png", "c.png"], ["a.png", "c.png", "d.png"], r"a/b\.png, b/d\.png"),
        (["x1.png", "y1.png"], ["x2.png", "z2.png"], "do not pair up"),
    ],
)
def test_other_files_are_named_and_refused(
    first: list[str], second: list[str], alone: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=alone):
        paired(tmp_path, first, second)


def test_of_many_files_without_partner_six_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a/5\.png and 3 more\. Add"):
        paired(tmp_path, numbered("{}.png", range(10)), ["9.png"])


def test_two_files_of_one_stem_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="same stem"):
        paired(tmp_path, ["1.png", "1.jpg"], ["1.png"])


def test_missing_and_empty_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        list_images(tmp_path / "none")
    with pytest.raises(InputError, match="holds no images"):
        folder(tmp_path, "empty", "readme.txt")
