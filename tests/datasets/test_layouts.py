"""Every data set that lies in a public layout, tested by being registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from l4f_bench.datasets.image_set import ImageRequest, ImageSet, open_images
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.errors import InputError, MissingAssetError
from tests.datasets.layouts import (
    LAYOUTS,
    NAMES,
    SIZES,
    build,
    coloured,
    file_of,
    name_of,
    object_of,
    save,
)

every_layout = pytest.mark.parametrize("spec", LAYOUTS, ids=lambda spec: spec.name)
PAGE = Path(__file__).parents[2] / "docs" / "datasets.md"


def opened(spec: DatasetSpec, root: Path) -> ImageSet:
    return open_images(ImageRequest(spec=spec, data=root))


def test_the_saliency_sets_birds_and_flowers_are_among_them() -> None:
    names = {spec.name for spec in LAYOUTS}
    assert names >= {"duts-te", "dut-omron", "ecssd", "cub-200-2011", "flowers"}


@pytest.mark.parametrize("spec", list(DATASETS), ids=lambda spec: spec.name)
def test_every_data_set_is_on_the_page_and_says_how_to_get_it(spec: DatasetSpec) -> None:
    assert f"`{spec.name}`" in PAGE.read_text(encoding="utf-8")
    assert spec.drawn or (spec.instructions and spec.layout and spec.source.startswith("http"))
    assert "\n" not in spec.steps


@every_layout
def test_images_pair_with_their_masks_through_sub_folders(
    spec: DatasetSpec, tmp_path: Path
) -> None:
    images = opened(spec, build(spec, tmp_path))
    assert (len(images), images.truth, images.spec) == (3, "human", spec)
    folder = spec.layout[0].rpartition("/")[0]
    found = {}
    for index in range(3):
        assert (tmp_path / folder / images.key(index)).is_file(), "images are called by their files"
        name = name_of(spec, images.key(index))
        found[name] = images.mask(index).mask
        assert images.image(index).shape == (3, *SIZES[name])
        assert abs(int(images.image(index)[0, 0, 0]) - 60 * (1 + NAMES.index(name))) <= 2
    assert found.keys() == set(NAMES)
    for name in NAMES:
        assert (found[name] == object_of(name)).all()
    assert images.warnings() == []


@every_layout
def test_the_digest_is_that_of_the_masks(spec: DatasetSpec, tmp_path: Path) -> None:
    before = opened(spec, build(spec, tmp_path / "a")).digest
    assert opened(spec, build(spec, tmp_path / "b")).digest == before
    save(file_of(tmp_path / "b", spec.layout[1], NAMES[0]), coloured(~object_of(NAMES[0]), spec))
    assert opened(spec, tmp_path / "b").digest != before


def half(spec: DatasetSpec, root: Path) -> str:
    folder = root / spec.layout[1].partition("/")[0]
    folder.rename(root / "elsewhere")
    return f"{folder} is not a folder"


def without_a_mask(spec: DatasetSpec, root: Path) -> str:
    file_of(root, spec.layout[1], NAMES[2]).unlink()
    alone = file_of(root, spec.layout[0], NAMES[2]).relative_to(root)
    return f"3 images and 2 masks of {spec.title} do not pair up; without partner: {alone}."


def with_another_mask(spec: DatasetSpec, root: Path) -> str:
    extra = file_of(root, spec.layout[1], "99999")
    save(extra, np.zeros((16, 16, 3), np.uint8))
    return f"without partner: {extra.relative_to(root)}."


def twice_the_same(spec: DatasetSpec, root: Path) -> str:
    path = file_of(root, spec.layout[0], NAMES[0])
    save(path.with_suffix(".bmp"), np.zeros((16, 16, 3), np.uint8))
    return "have the same name. Keep one of the two."


def empty(spec: DatasetSpec, root: Path) -> str:
    for name in NAMES:
        file_of(root, spec.layout[1], name).unlink()
    return "holds no images"


def nothing(spec: DatasetSpec, root: Path) -> str:
    root.rename(root.with_name("gone"))
    return "is not a folder"


@every_layout
@pytest.mark.parametrize(
    "spoil", [half, without_a_mask, with_another_mask, twice_the_same, empty, nothing]
)
def test_a_layout_that_does_not_fit_is_one_line(
    spoil: Callable[[DatasetSpec, Path], str], spec: DatasetSpec, tmp_path: Path
) -> None:
    root = build(spec, tmp_path / "data")
    said = spoil(spec, root)
    with pytest.raises(InputError) as caught:
        opened(spec, root)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@every_layout
def test_half_a_layout_says_what_was_expected_where(spec: DatasetSpec, tmp_path: Path) -> None:
    half(spec, build(spec, tmp_path))
    with pytest.raises(InputError) as caught:
        opened(spec, tmp_path)
    assert str(caught.value).startswith(
        f"{spec.title} is expected in {tmp_path} as {spec.layout[0]} and {spec.layout[1]}, but "
    )
    assert f"l4f-bench fetch {spec.name}" in str(caught.value)


@every_layout
@pytest.mark.parametrize("kind", [0, 1])
def test_an_unreadable_file_is_named(kind: int, spec: DatasetSpec, tmp_path: Path) -> None:
    path = file_of(build(spec, tmp_path), spec.layout[kind], NAMES[0])
    path.write_text("hello")
    images = opened(spec, tmp_path)
    keys = [Path(images.key(index)).name for index in range(3)]
    index = keys.index(file_of(tmp_path, spec.layout[0], NAMES[0]).name)
    with pytest.raises(InputError, match=path.name):
        (images.image, images.mask)[kind](index)


@every_layout
def test_without_data_the_message_says_how_to_get_it(spec: DatasetSpec) -> None:
    with pytest.raises(MissingAssetError) as caught:
        open_images(ImageRequest(spec=spec))
    assert str(caught.value) == f"{spec.steps} Give its folder with --data DIR."


def test_a_file_of_another_name_is_refused(tmp_path: Path) -> None:
    spec = DATASETS.get("flowers")
    stray = save(build(spec, tmp_path) / "segmim" / "readme.png", np.zeros((8, 8, 3), np.uint8))
    with pytest.raises(InputError, match=r"does not fit segmim/segmim_\{name\}\.jpg") as caught:
        opened(spec, tmp_path)
    assert str(stray) in str(caught.value)
