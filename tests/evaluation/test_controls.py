"""Controls, against constant masks tried one by one and truths that are shifted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.evaluation.controls import CONSTANT, SHIFTED, Controls, Looked, PackedMask
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.intervals import point_scores
from l4f_bench.metrics.protocols import PROTOCOLS

L4F = PROTOCOLS.get("l4f")


def controls(preds: list[np.ndarray], target: list[np.ndarray]) -> dict[str, np.ndarray]:
    found = Controls()
    for pair in zip(preds, target, strict=True):
        found.add(Looked.at(*pair))
    return found.counts()


def discs(number: int, side: int = 64, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side] / side
    return [
        (y - rng.uniform(0.3, 0.6)) ** 2 + (x - 0.5) ** 2 < rng.uniform(0.2, 0.4) ** 2
        for _ in range(number)
    ]


def miou(counts: np.ndarray) -> float:
    value = point_scores(L4F, counts)["miou"].value
    assert value is not None
    return value


def test_no_constant_mask_fits_better() -> None:
    truth = discs(7)
    best = miou(controls(truth, truth)[CONSTANT])
    often = np.mean(truth, axis=0)
    tried = [often >= level for level in np.unique(often)] + discs(40, seed=1)
    scores = [miou(np.stack([count_pixels(mask, t) for t in truth])) for mask in tried]
    assert max(scores) <= best + 1e-12 < max(scores) + 0.005


def test_predictions_meet_the_next_truth_and_the_last_one_the_first() -> None:
    preds, truth = discs(5, seed=2), discs(5, seed=3)
    expected = [count_pixels(preds[i], truth[(i + 1) % 5]) for i in range(5)]
    assert np.array_equal(controls(preds, truth)[SHIFTED], expected)


@pytest.mark.parametrize("shape", [(64, 64), (128, 192), (100, 37), (5, 300), (1, 1)])
def test_every_pixel_is_counted_once(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    truth = [rng.random(shape) < 0.4 for _ in range(3)]
    for counts in controls(truth, truth).values():
        assert (counts.sum(1) == shape[0] * shape[1]).all()
        assert np.array_equal(counts[:, [0, 2]].sum(1).sum(), np.sum(truth))


def test_images_of_several_sizes_share_one_relative_mask() -> None:
    left = [np.zeros(shape, bool) for shape in ((64, 64), (128, 256), (32, 96))]
    for mask in left:
        mask[:, : mask.shape[1] // 2] = True
    found = controls(left, left)
    assert miou(found[CONSTANT]) == miou(found[SHIFTED]) == 1


def test_a_single_image_has_no_controls() -> None:
    assert controls(discs(1), discs(1)) == {}
    assert controls([], []) == {}


def test_a_packed_mask_keeps_its_bits_and_takes_the_nearest_pixel_at_another_size() -> None:
    mask = np.random.default_rng(0).random((13, 7)) < 0.5
    packed = PackedMask.of(mask)
    assert np.array_equal(np.unpackbits(packed.bits(), count=13 * 7).reshape(13, 7), mask)
    twice = PackedMask.of(mask.repeat(2, 0).repeat(2, 1))
    assert packed.at_size((26, 14)) == twice
    assert twice.at_size((13, 7)) == packed


@pytest.mark.parametrize("sides", [((64, 128), (64, 128)), ((40, 70), (65, 33))])
def test_shifted_counts_are_those_of_pixels(sides: tuple[tuple[int, int], ...]) -> None:
    rng = np.random.default_rng(0)
    preds, target, counted = ([rng.random(side) < 0.4 for side in sides] for _ in range(3))
    found = Controls()
    for one in zip(preds, target, counted, strict=True):
        found.add(Looked.at(*one))
    for index, counts in enumerate(found.counts()[SHIFTED]):
        height, width = sides[index]
        other_height, other_width = sides[1 - index]
        nearest = np.ix_(
            np.arange(height) * other_height // height, np.arange(width) * other_width // width
        )
        truth, kept = target[1 - index][nearest], counted[1 - index][nearest]
        assert np.array_equal(counts, count_pixels(preds[index][kept][None], truth[kept][None]))
