"""CelebAMask-HQ on drawn folders: unions, label maps and splits."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from l4f_bench.datasets.celebamask.parts import PARTS
from l4f_bench.datasets.celebamask.reading import painted
from l4f_bench.datasets.image_set import ImageRequest
from l4f_bench.errors import InputError, MissingAssetError
from tests.datasets.celebamask import (
    HEADER,
    IDS,
    MAPPING,
    PARTITION,
    SPEC,
    SPLITS,
    Folder,
    build,
    keys,
    opened,
    parts_of,
    read,
    union_of,
)
from tests.datasets.layouts import save
from tests.goldens import SHARED

TINY = SHARED / "celebamask-tiny"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return build(tmp_path / "data")


def test_a_sound_folder_gives_images_with_the_union_of_their_parts(folder: Folder) -> None:
    images = opened(folder.data)
    assert keys(images) == [f"{number}.jpg" for number in IDS]
    for index, number in enumerate(IDS):
        true = images.mask(index)
        assert true.reason is None
        assert (true.mask == union_of(number)).all()
        assert ((images.image(index)[0] > 128) == union_of(number)).all()
    assert images.warnings() == []
    assert images.facts()["part files"] == 3 * len(IDS)
    assert images.facts()["images of val"] == 3


def test_some_parts_alone_are_foreground(folder: Folder) -> None:
    whole, nose = opened(folder.data), opened(folder.data, parts=("nose", "hat"))
    expected = parts_of(0)["nose"].repeat(2, 0).repeat(2, 1)
    assert (nose.mask(0).mask == expected).all()
    assert nose.digest != whole.digest
    none = opened(folder.data, parts=("hat",))
    assert none.mask(0).reason is None, "a face without a hat is no fault"
    assert not none.mask(0).mask.any()


@pytest.mark.parametrize("size", [(16, 16), (32, 32), (48, 48), (64, 64)])
def test_masks_come_to_the_size_of_the_image_by_the_nearest_pixel(
    folder: Folder, size: tuple[int, int]
) -> None:
    save(folder.image(0), np.zeros((*size, 3), np.uint8))
    union = np.logical_or.reduce(list(parts_of(0).values()))
    nearest = (np.arange(size[0]) + 0.5) * 16 // size[0]
    rows = nearest.astype(int)
    images = opened(folder.data)
    assert (images.mask(0).mask == union[rows][:, rows]).all()
    assert ((images.labels(0) > 0) == images.mask(0).mask).all()
    assert any("not twice as large" in said for said in images.warnings()) == (size != (32, 32))


@pytest.mark.parametrize("seed", range(5))
def test_later_parts_are_painted_over_earlier_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(PARTS)[: rng.integers(1, 19)]
    masks = {str(part): rng.random((6, 7)) < 0.3 for part in chosen}
    naive = np.zeros((6, 7), int)
    for y in range(6):
        for x in range(7):
            there = [PARTS.index(part) + 1 for part, mask in masks.items() if mask[y, x]]
            naive[y, x] = max(there, default=0)
    assert (painted(masks) == naive).all()


def test_a_label_map_has_the_classes_of_bisenet(folder: Folder) -> None:
    labels = opened(folder.data).labels(0)[::2, ::2]
    parts = parts_of(0)
    assert (labels[parts["hair"]] == 17).all()
    assert (labels[parts["nose"]] == 10).all()
    assert (labels[parts["skin"] & ~parts["hair"] & ~parts["nose"]] == 1).all()
    assert set(np.unique(labels)) == {0, 1, 10, 17}


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_splits_go_by_the_file_and_not_by_the_index(folder: Folder, split: str) -> None:
    images = opened(folder.data, split)
    assert keys(images) == [f"{number}.jpg" for number, own in SPLITS.items() if own == split]
    assert images.split == split


def test_the_usual_images_are_the_first_thousand_of_test(tmp_path: Path) -> None:
    data, ids = tmp_path / "data", range(5, 1207)
    (data / "CelebA-HQ-img").mkdir(parents=True)
    (data / "CelebAMask-HQ-mask-anno").mkdir()
    for number in ids:  # no file is opened, so that empty ones will do
        Folder(data).image(number).touch()
    mapping = [f"{number} {200000 + number - 1} {200000 + number}.jpg" for number in ids]
    (data / MAPPING).write_text("\n".join([HEADER, *mapping]))
    (data / PARTITION).write_text("\n".join(f"{200000 + n}.jpg {1 + n % 7 // 6}" for n in ids))
    assert (len(opened(data, "val")), len(opened(data, "test"))) == (1030, 172)
    (data / PARTITION).write_text("\n".join(f"{200000 + number}.jpg 2" for number in ids))
    usual = opened(data, None)
    assert (len(usual), usual.split, usual.key(0)) == (1000, "first 1000 of test", "5.jpg")
    assert (len(opened(data, "test")), opened(data, "test").split) == (1202, "test")
    assert opened(data, None, num_images=7).split == "first 7 of test"


def test_a_split_that_nothing_tells_is_missing_data(folder: Folder) -> None:
    (folder.data / PARTITION).unlink()
    with pytest.raises(MissingAssetError, match=rf"^{PARTITION} in .* --split all\.$"):
        opened(folder.data, None)
    assert read(opened(folder.data)).keys() == {f"{number}.jpg" for number in IDS}
    (said,) = opened(folder.data).faults()
    assert said == f"1 files that tell the splits cannot be read ({PARTITION})."


def test_a_split_without_images_is_one_line(folder: Folder) -> None:
    for number in (1, 1999):
        folder.image(number).unlink()
    with pytest.raises(InputError, match="There are no images of test in"):
        opened(folder.data, None)


@pytest.mark.parametrize("name", ["CelebA-HQ-img", "CelebAMask-HQ-mask-anno"])
def test_half_a_layout_is_one_line(folder: Folder, name: str) -> None:
    (folder.data / name).rename(folder.data / "elsewhere")
    with pytest.raises(InputError, match=f"{name} is not a folder"):
        opened(folder.data)


def test_windows_lines_and_a_missing_header_are_read(folder: Folder) -> None:
    text = (folder.data / MAPPING).read_text().replace(f"{HEADER}\n", "\ufeff", 1)
    (folder.data / MAPPING).write_text(text.replace("\n", "\r\n"), encoding="utf-8", newline="")
    assert keys(opened(folder.data, None)) == ["1.jpg", "1999.jpg"]
    assert opened(folder.data).faults() == []


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"split": "tst"}, "Unknown split 'tst'. Did you mean 'test'?"),
        ({"parts": ("hair,skin",)}, "Unknown part 'hair,skin'."),
    ],
)
def test_unknown_splits_and_parts_are_one_line(
    folder: Folder, request_: dict[str, object], said: str
) -> None:
    with pytest.raises(InputError, match=re.escape(said)):
        ImageRequest(spec=SPEC, data=folder.data, **request_)


def test_the_shared_folder_has_the_counts_of_its_page() -> None:
    if not TINY.is_dir():
        pytest.skip("celebamask-tiny is not at hand")
    images = opened(TINY)
    rows = re.findall(r"^\| (\d+) \| \d+ \| (\w+) \| (\d+) \| ([\d ]+) \|$",
                      (TINY / "README.md").read_text(encoding="utf-8"), re.MULTILINE)  # fmt: skip
    assert [f"{row[0]}.jpg" for row in rows] == keys(images)
    for index, (_, split, foreground, labels) in enumerate(rows):
        assert images.mask(index).mask.sum() == 4 * int(foreground)
        counts = np.bincount(images.labels(index).ravel(), minlength=19) / 4
        assert counts.tolist() == [int(count) for count in labels.split()]
        assert images.key(index) in keys(opened(TINY, split))
    assert images.warnings() == []
