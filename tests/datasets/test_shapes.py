"""The shapes world: exact, reproducible, and its background knows nothing of the object."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from l4f_bench.datasets.image_set import ImageRequest, open_images
from l4f_bench.datasets.shapes import HELD_OUT, SHAPES, Tones, count_objects, shapes_batch
from l4f_bench.datasets.specs import DATASETS

RESOLUTION = DATASETS.get("shapes").resolution
LONE = replace(SHAPES, empty=0.0, pairs=0.0)


def world(num_images: int, seed: int = 0, **more):
    return shapes_batch(range(num_images), resolution=RESOLUTION, seed=seed, **more)


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


def test_the_evaluated_images_are_those_of_the_held_out_world() -> None:
    images = open_images(ImageRequest(spec=DATASETS.get("shapes"), num_images=40, seed=3))
    expected, masks = world(40, seed=HELD_OUT + 3)
    for index in (0, 17, 39, 3):
        np.testing.assert_array_equal(images.image(index), expected[index])
        np.testing.assert_array_equal(images.mask(index).mask, masks[index])
        assert images.mask(index).num_objects == count_objects([index], seed=HELD_OUT + 3)[0]


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


@pytest.mark.parametrize("resolution", [32, 64])
def test_lone_objects_cover_what_they_should(resolution: int) -> None:
    inner = replace(LONE, shift=0.0)  # none is cut by the border
    _, masks = shapes_batch(range(1000), resolution=resolution, seed=3, world=inner)
    coverage = masks.mean(axis=(1, 2))
    smallest, largest = SHAPES.area
    assert coverage.min() > smallest - 0.01
    assert coverage.max() < largest + 0.01
    assert coverage.mean() == pytest.approx((smallest + largest) / 2, abs=0.01)


def test_images_have_as_many_objects_as_is_said_at_the_rates_that_are_said() -> None:
    numbers = np.array(count_objects(range(2000), seed=0))
    for number, rate in ((0, SHAPES.empty), (2, SHAPES.pairs)):
        assert np.mean(numbers == number) == pytest.approx(rate, abs=0.012)
    _, masks = world(300)
    found = np.array([ndimage.label(mask)[1] for mask in masks])
    told = numbers[:300]
    np.testing.assert_array_equal(found == 0, told == 0)
    assert (found[told == 1] == 1).all()
    assert np.mean(found[told == 2] == 2) > 0.7  # two may touch, or one lie outside


def test_the_mask_is_the_majority_of_a_much_finer_mask() -> None:
    """Outlines are drawn from the index whatever the resolution, so a finer drawing is a truth."""
    coarse, fine = (shapes_batch(range(24), resolution=r, seed=5)[1] for r in (32, 512))
    share = fine.reshape(24, 32, 16, 32, 16).mean(axis=(2, 4))
    # Pixels that the outline halves may fall to either side: the coverage of a straight edge
    # stands in for that of a curved one.
    clear = np.abs(share - 0.5) > 0.06
    np.testing.assert_array_equal(coarse[clear], share[clear] > 0.5)
    assert clear.mean() > 0.98


def test_the_background_is_independent_of_the_object() -> None:
    images, masks = world(4000, world=LONE)
    colour = images.astype(np.float64)
    inside = (colour * masks[:, None]).sum(axis=(2, 3)) / masks.sum(axis=(1, 2))[:, None]
    free = ~masks[:, :6, :6].any(axis=(1, 2))
    corner = colour[:, :, :6, :6].mean(axis=(2, 3))
    traits = np.column_stack([inside, masks.mean(axis=(1, 2))])
    correlation = np.corrcoef(traits[free].T, corner[free].T)[:4, 4:]
    assert np.abs(correlation).max() < 4 / math.sqrt(free.sum())


def test_the_background_is_stationary() -> None:
    images, masks = world(600)
    last = RESOLUTION - 6
    corners = [np.s_[:, :, y : y + 6, x : x + 6] for y in (0, last) for x in (0, last)]
    free = ~np.stack([masks[corner[:1] + corner[2:]].any(axis=(1, 2)) for corner in corners])
    assert free.all(axis=0).mean() > 0.9
    parts = np.stack([images[corner] for corner in corners])[:, free.all(axis=0)].astype(float)
    means, spread = parts.mean(axis=(3, 4)), parts.std(axis=(3, 4))
    assert np.abs(means - means.mean(axis=0)).mean() < 0.5 * spread.mean()
    assert np.ptp(means.mean(axis=1), axis=0).max() < 3  # of 255
    assert np.ptp(spread.mean(axis=(1, 2))) < 0.05 * spread.mean()


def test_objects_and_backgrounds_have_the_same_colours() -> None:
    images, masks = world(2000, world=LONE)
    colour = images.astype(np.float64).transpose(0, 2, 3, 1)
    outside = np.stack([one[~mask].mean(axis=0) for one, mask in zip(colour, masks, strict=True)])
    inside = np.stack([one[mask].mean(axis=0) for one, mask in zip(colour, masks, strict=True)])
    np.testing.assert_allclose(inside.mean(axis=0), outside.mean(axis=0), atol=5)
    strong = Tones(saturation=(0.8, 1.0), value=(0.9, 1.0))
    apart, masks = world(200, world=replace(LONE, object_tones=strong))
    spread = np.ptp(apart.astype(int), axis=1)
    assert np.median(spread[masks]) > 2 * np.median(spread[~masks])


def test_speckle_hides_objects_from_a_threshold_on_colour() -> None:
    """The more the background's tones mix, the less the distance from its mean says."""
    scores = []
    for speckle in (0.0, 0.2, 0.4):
        images, masks = world(60, world=replace(LONE, speckle=speckle))
        colour = images.astype(np.float64).transpose(0, 2, 3, 1)
        shares = []
        for one, mask in zip(colour, masks, strict=True):
            distance = np.linalg.norm(one - one[~mask].mean(axis=0), axis=-1)
            shares.append((distance[mask].mean() > distance[~mask]).mean())
        scores.append(np.mean(shares))
    assert scores[0] > 0.99
    assert scores == sorted(scores, reverse=True)
