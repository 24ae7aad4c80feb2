from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.datasets.colour_masks import read_coloured
from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.specs import unlisted
from l4f_bench.errors import InputError
from tests.datasets.layouts import save

BLUE = (0, 0, 254)


def folder(root: Path, *files: str) -> Path:
    for file in files:
        save(root / file, np.zeros((4, 4), np.uint8))
    return root


def own(images: Path | None, truth: Path | None) -> FolderImages:
    return FolderImages(unlisted("mine"), truth, images, named_by_images=True)


def test_two_folders_of_one_s_own(tmp_path: Path) -> None:
    images = folder(tmp_path / "i", "a/1.jpg")
    truth = save(tmp_path / "m" / "a" / "1.png", np.array([[0, 255]], np.uint8)).parents[1]
    found = own(images, truth)
    assert (found.key(0), found.truth, found.spec.title) == ("a/1.jpg", "human", "mine")
    assert found.mask(0).mask.tolist() == [[False, True]]
    assert found.image(0).shape == (3, 4, 4)
    assert found.warnings() == []


def test_images_may_be_called_by_their_masks(tmp_path: Path) -> None:
    images, masks = (
        folder(tmp_path / "i", "1.jpg", "2.jpg"),
        folder(tmp_path / "m", "1.png", "2.png"),
    )
    found = FolderImages(unlisted("mine"), masks, images)
    assert [found.key(index) for index in range(2)] == ["1.png", "2.png"]
    assert found.image(1).shape == (3, 4, 4)


def test_images_without_partners_are_named(tmp_path: Path) -> None:
    images, masks = folder(tmp_path / "i", "a/1.png", "b/1.png"), folder(tmp_path / "m", "a/1.png")
    with pytest.raises(InputError, match=r"without partner: i/b/1\.png\.") as caught:
        own(images, masks)
    assert "\n" not in str(caught.value)


def test_either_folder_alone(tmp_path: Path) -> None:
    images = own(folder(tmp_path / "i", "1.png"), None)
    assert (images.truth, images.key(0), images.image(0).shape) == (None, "1.png", (3, 4, 4))
    masks = own(None, folder(tmp_path / "m", "1.png", "2.png"))
    assert (masks.truth, len(masks)) == ("human", 2)
    with pytest.raises(InputError, match="Add --images DIR"):
        masks.image(0)
    other = own(folder(tmp_path / "j", "2.png"), None)
    assert images.digest != other.digest


def test_masks_of_colour_show_what_is_not_background(tmp_path: Path) -> None:
    pixels = np.zeros((1, 6, 3), np.uint8) + np.array(BLUE, np.uint8)
    pixels[0, 1:] = [(200, 10, 10), (32, 0, 254), (33, 0, 254), (0, 32, 222), (60, 40, 200)]
    path = save(tmp_path / "1.png", pixels)
    assert read_coloured(path, BLUE).tolist() == [[False, True, False, True, False, True]]


@pytest.mark.parametrize("quality", [75, 85, 95])
def test_jpeg_s_blur_of_the_background_is_not_the_object(quality: int, tmp_path: Path) -> None:
    y, x = np.mgrid[:200, :240]
    disc = (y - 100) ** 2 + (x - 120) ** 2 < 70**2
    rng = np.random.default_rng(0)
    petals = np.clip(rng.normal((190, 60, 120), 25, (200, 240, 3)), 0, 255)
    picture = np.where(disc[..., None], petals, BLUE).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    path = tmp_path / "segmim.jpg"
    path.write_bytes(stream.getvalue())
    equal = (np.asarray(Image.open(path)) != BLUE).any(-1)
    found = read_coloured(path, BLUE)
    assert (found & disc).sum() / (found | disc).sum() > 0.96
    assert (equal & disc).sum() / (equal | disc).sum() < 0.93, "which the tolerance is for"


def test_an_unreadable_colour_mask_is_named(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.write_text("hello")
    with pytest.raises(InputError, match=r"1\.png is not an image"):
        read_coloured(path, BLUE)
