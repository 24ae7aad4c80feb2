"""Backgrounds stay what they were, and what changed is counted where it did."""

from __future__ import annotations

import numpy as np
import pytest

from l4f_bench.editing.changes import changes
from l4f_bench.editing.filling import FILLS
from l4f_bench.editing.preserving import (
    background_layer,
    grown,
    nothing_to_preserve,
    preserved,
)
from l4f_bench.errors import InputError

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (24, 24, 3), dtype=np.uint8)
ALPHA = np.zeros((24, 24), np.float32)
ALPHA[8:16, 8:16] = 1
ALPHA[7, 7:17] = 0.3  # a soft rim
OPTIONS = {"threshold": 0.5, "margin": 1}


@pytest.mark.parametrize("fill", FILLS)
def test_only_the_object_and_its_margin_are_filled(fill: str) -> None:
    pytest.importorskip({"telea": "cv2", "biharmonic": "skimage"}[fill])
    flat = np.full((24, 24, 3), (200, 100, 50), np.uint8)
    flat[8:16, 8:16] = 0
    filled = background_layer(flat, ALPHA, **OPTIONS, fill=fill).astype(int)
    assert np.abs(filled - (200, 100, 50)).max() <= 2  # OpenCV's own rounding
    layer = background_layer(IMAGE, ALPHA, **OPTIONS, fill=fill)
    hole = grown(ALPHA > 0.5, 1)
    assert hole.sum() == 100
    assert (layer[~hole] == IMAGE[~hole]).all()


def test_preserving_keeps_the_layer_outside_of_both_masks_exactly() -> None:
    edited = RNG.integers(0, 256, IMAGE.shape, dtype=np.uint8)
    moved = np.roll(ALPHA, 2, axis=1) * np.float32(0.8)
    kept = preserved(edited, moved, IMAGE, threshold=0.5)
    mask = moved > 0.5
    assert (kept[~mask] == IMAGE[~mask]).all()
    expected = 0.8 * edited[mask] + 0.2 * IMAGE[mask]
    assert np.abs(kept[mask] - expected).max() <= 0.51
    assert (preserved(edited, np.ones_like(ALPHA), IMAGE, threshold=0.5) == edited).all()


def test_where_there_is_nothing_to_preserve() -> None:
    assert nothing_to_preserve(ALPHA, **OPTIONS) is None
    full = np.ones_like(ALPHA)
    assert nothing_to_preserve(full, **OPTIONS) == "everything is foreground"
    assert nothing_to_preserve(full * 0, **OPTIONS) == "nothing is foreground"
    full[0, 0] = 0  # nothing is left of it beside the margin
    assert nothing_to_preserve(full, **OPTIONS) == "everything is foreground"
    with pytest.raises(ValueError, match="everything"):
        background_layer(IMAGE, full, **OPTIONS, fill="telea")
    assert background_layer(IMAGE, full * 0, **OPTIONS, fill="telea") is IMAGE


def test_changes_are_counted_where_they_are() -> None:
    inside = ALPHA > 0.5
    assert changes(IMAGE, IMAGE, inside) == (pytest.approx(100), pytest.approx(1), 0, 0)
    after = IMAGE.copy()
    after[inside] ^= 128
    found = changes(IMAGE, after, inside)
    assert found == (pytest.approx(100), pytest.approx(1), 0, 128)
    grey = np.full_like(IMAGE, 100)
    found = changes(grey, grey + np.uint8(10), inside)
    assert found.psnr == pytest.approx(20 * np.log10(255 / 10))
    assert (found.outside, found.inside) == (10, 10)
    everything = changes(grey, grey, np.ones_like(inside))
    assert np.isnan(everything[:3]).all()
    assert everything.inside == 0
    assert np.isnan(changes(grey, grey, inside & False).inside)


def test_ssim_is_scikit_images_map_over_the_outside() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    inside = ALPHA > 0.5
    after = np.clip(IMAGE + RNG.normal(0, 40, IMAGE.shape), 0, 255).astype(np.uint8)
    same = np.where(inside[..., None], IMAGE, after)
    _, full = metrics.structural_similarity(
        IMAGE, same, data_range=255, channel_axis=-1, full=True, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False,
    )  # fmt: skip
    found = changes(IMAGE, after, inside).ssim
    assert found == pytest.approx(full.mean(axis=2)[~inside].mean(), abs=0.01)


def test_an_unknown_fill_is_named() -> None:
    with pytest.raises(InputError, match="Did you mean 'telea'"):
        background_layer(IMAGE, ALPHA, **OPTIONS, fill="tela")
