"""The shapes world: exact, reproducible, and its background knows nothing of the object."""

from __future__ import annotations

import math

import numpy as np
import pytest

from l4f_bench.datasets.shapes import COVERAGE, shapes_batch
from l4f_bench.datasets.specs import DATASETS

RESOLUTION = DATASETS.get("shapes").resolution


def world(num_images: int, seed: int = 0):
    return shapes_batch(range(num_images), resolution=RESOLUTION, seed=seed)


def test_an_image_depends_on_seed_and_index_alone() -> None:
    images, masks = world(40)
    shuffled = [17, 3, 39, 3]
    again, masks_again = shapes_batch(shuffled, resolution=RESOLUTION, seed=0)
    np.testing.assert_array_equal(again, images[shuffled])
    np.testing.assert_array_equal(masks_again, masks[shuffled])
    for index in range(40):
        one, mask = shapes_batch([index], resolution=RESOLUTION, seed=0)
        np.testing.assert_array_equal(one[0], images[index])
        np.testing.assert_array_equal(mask[0], masks[index])


def test_seeds_and_indices_give_different_images() -> None:
    images, _ = world(50)
    others, _ = world(50, seed=1)
    assert len({image.tobytes() for image in (*images, *others)}) == 100


def test_formats_are_those_of_the_house() -> None:
    images, masks = world(3)
    assert images.shape == (3, 3, RESOLUTION, RESOLUTION)
    assert images.dtype == np.uint8
    assert masks.shape == (3, RESOLUTION, RESOLUTION)
    assert masks.dtype == np.bool_


@pytest.mark.parametrize("resolution", [16, 32, 64])
def test_every_object_covers_15_to_45_percent(resolution: int) -> None:
    _, masks = shapes_batch(range(96_000 // resolution), resolution=resolution, seed=3)
    coverage = masks.mean(axis=(1, 2))
    assert COVERAGE == (0.15, 0.45)
    assert coverage.min() >= 0.15
    assert coverage.max() <= 0.45
    assert coverage.std() > 0.05


def test_the_mask_is_the_majority_of_a_much_finer_mask() -> None:
    """Outlines are drawn from the index whatever the resolution, so a finer drawing is a truth."""
    coarse, fine = (shapes_batch(range(24), resolution=r, seed=5)[1] for r in (32, 512))
    share = fine.reshape(24, 32, 16, 32, 16).mean(axis=(2, 4))
    # Pixels that the outline halves may fall to either side: the coverage of a straight edge
    # stands in for that of a curved one.
    clear = np.abs(share - 0.5) > 0.06
    np.testing.assert_array_equal(coarse[clear], share[clear] > 0.5)
    assert clear.mean() > 0.98


def test_objects_lie_near_the_centre_in_one_piece() -> None:
    _, masks = world(500)
    axis = (np.arange(RESOLUTION) + 0.5) / RESOLUTION
    for weights in (masks.mean(axis=1), masks.mean(axis=2)):
        centre = (weights * axis).sum(axis=1) / weights.sum(axis=1)
        assert np.abs(centre - 0.5).max() < 0.12
    assert masks[:, RESOLUTION // 2, RESOLUTION // 2].all()
    border = np.concatenate([masks[:, [0, -1]].ravel(), masks[:, :, [0, -1]].ravel()])
    assert border.mean() < 0.01


def test_the_background_is_independent_of_the_object() -> None:
    images, masks = world(4000)
    colour = images.astype(np.float64)
    inside = (colour * masks[:, None]).sum(axis=(2, 3)) / masks.sum(axis=(1, 2))[:, None]
    corner = colour[:, :, :4, :4].mean(axis=(2, 3))
    traits = np.column_stack([inside, masks.mean(axis=(1, 2))])
    correlation = np.corrcoef(traits.T, corner.T)[:4, 4:]
    assert np.abs(correlation).max() < 4 / math.sqrt(len(images))


def test_the_background_is_a_tint_with_fine_grain_and_hardly_a_gradient() -> None:
    images, masks = world(600)
    last = RESOLUTION - 5
    corners = [images[:, :, y : y + 5, x : x + 5] for y in (0, last) for x in (0, last)]
    corners_free = ~np.stack([masks[:, :5, :5], masks[:, last:, last:]]).any(axis=(0, 2, 3))
    assert corners_free.mean() > 0.95
    means = np.stack([part.mean(axis=(2, 3)) for part in corners])
    assert np.abs(means - means.mean(axis=0)).mean() < 6  # of 255
    grain = np.stack([part.std(axis=(2, 3)) for part in corners])
    assert 5 < grain.mean() < 20
    tint = images[:, :, 0].mean(axis=2)
    assert tint.std(axis=0).min() > 25  # from image to image they differ a lot


def test_objects_are_more_colourful_than_backgrounds() -> None:
    images, masks = world(300)
    spread = images.max(axis=1).astype(int) - images.min(axis=1)
    assert np.median(spread[masks]) > 3 * np.median(spread[~masks])
