"""Size, place and contrast of drawn images whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.evaluation.difficulty import Difficulty, difficulty_of


def square(top: int, left: int, side: int = 4, shape: tuple[int, int] = (16, 16)) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_a_centred_square_has_no_offset() -> None:
    found = difficulty_of(square(6, 6))
    assert found.size == 16 / 256
    assert found.offset == 0
    assert found.contrast is None


def test_the_offset_is_a_share_of_the_side_and_of_the_area_of_long_images() -> None:
    assert difficulty_of(square(6, 10)).offset == pytest.approx(4 / 16)
    assert difficulty_of(square(9, 10)).offset == pytest.approx(5 / 16)
    assert difficulty_of(square(6, 34, shape=(16, 64))).offset == pytest.approx(4 / 32)


def test_contrast_is_the_distance_of_means_in_spreads_of_the_background() -> None:
    mask = square(6, 6)
    image = np.zeros((3, 16, 16), np.uint8)
    image[:, mask] = np.array([100, 120, 100], np.uint8)[:, None]
    image[0] = np.where(mask, 130, np.where(np.indices((16, 16)).sum(0) % 2, 110, 90))
    image[1], image[2] = np.where(mask, 140, 100), np.where(mask, 100, 100)
    # Means 130, 140, 100 and 100, 100, 100; along (0.6, 0.8, 0) the background varies by 6.
    assert difficulty_of(mask, image).contrast == pytest.approx(50 / 6, rel=1e-5)


def test_a_background_of_one_colour_has_a_grey_level_for_its_spread() -> None:
    mask = square(6, 6)
    image = np.broadcast_to(np.where(mask, 107, 100).astype(np.uint8), (3, 16, 16))
    assert difficulty_of(mask, image).contrast == pytest.approx(7 * 3**0.5, rel=1e-5)
    same = np.full((3, 16, 16), 9, np.uint8)
    assert difficulty_of(mask, same).contrast == 0


def test_what_does_not_count_is_left_out() -> None:
    left = np.zeros((16, 16), bool)
    left[:, :8] = True
    mask = square(6, 6)
    found = difficulty_of(mask, None, left)
    assert found.size == 8 / 128
    assert found.offset == pytest.approx(difficulty_of(mask & left).offset)


def test_empty_and_full_masks_have_a_size_alone() -> None:
    image = np.zeros((3, 16, 16), np.uint8)
    assert difficulty_of(np.zeros((16, 16), bool), image) == Difficulty(size=0.0)
    assert difficulty_of(np.ones((16, 16), bool), image) == Difficulty(size=1.0, offset=0.0)
