"""The analysis of RGB layers, and the rule that goes by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from l4f_bench.analysis.layer_study import study_samples
from l4f_bench.analysis.layers import (
    contribution,
    joined,
    layer_ssim,
    partial_images,
    with_layer_replaced,
)
from l4f_bench.analysis.rule import drops, first_kept, interval, recommend, resampled_means
from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import resolutions
from l4f_bench.generators.stylegan2 import Generator
from tests.networks import small_generator

SIDES = (4, 8, 16, 32)


def painted_with(generator: Generator, w: Tensor, level: int, rgb: Tensor) -> Tensor:
    """The whole pass, with an RGB layer that paints what it is told."""

    class Told(nn.Module):
        def __init__(self, layer: nn.Module) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, x: Tensor, w: Tensor, below: Tensor | None = None) -> Tensor:
            return rgb if below is None else rgb + self.layer.upsample(below)

    before = generator.to_rgbs[level - 1] if level else generator.to_rgb1
    try:
        if level:
            generator.to_rgbs[level - 1] = Told(before)
        else:
            generator.to_rgb1 = Told(before)
        return generator.synthesis(w)
    finally:
        if level:
            generator.to_rgbs[level - 1] = before
        else:
            generator.to_rgb1 = before


@torch.no_grad()
@pytest.mark.parametrize("level", range(4))
def test_the_sum_gives_what_the_whole_pass_gives(level: int) -> None:
    generator = small_generator()
    w = torch.randn(2, 8)
    rgb = torch.randn(2, 3, SIDES[level], SIDES[level])
    images = partial_images(generator, w)
    found = with_layer_replaced(generator, images, level, rgb)
    assert torch.allclose(found, painted_with(generator, w, level, rgb), atol=1e-5)
    same = contribution(generator, images, level)
    assert torch.equal(with_layer_replaced(generator, images, level, same), images[-1])


@torch.no_grad()
def test_samples_do_not_depend_on_each_other() -> None:
    generator = small_generator()
    centre = generator.mean_latent(16)
    options = {"draws": 2, "seed": 3, "truncation": 0.7}
    both = study_samples(generator, centre, [0, 5], **options)
    apart = joined([study_samples(generator, centre, [i], **options) for i in (0, 5)])
    for name, values in both.ssim.items():
        assert values.shape == (4, 2, 2)
        np.testing.assert_allclose(values, apart.ssim[name], atol=1e-5)
    np.testing.assert_allclose(both.rgb_std, apart.rgb_std, rtol=1e-4)


def test_noise_of_another_shape_is_refused() -> None:
    generator = small_generator()
    noise = [torch.randn(2, 1, 3, side, side) for side in resolutions(32)]
    with pytest.raises(InputError, match="4 tensors"):
        layer_ssim(generator, torch.randn(1, 8), noise[:3])
    with pytest.raises(InputError, match="same D"):
        layer_ssim(generator, torch.randn(1, 8), [*noise[:3], noise[3][:1]])


@pytest.mark.parametrize(
    ("means", "layer", "levels"),
    [
        ((0.9, 0.8, 0.6, 0.5, 0.3), 3, 3),  # 25% above the next, as the paper says of faces
        ((0.9, 0.7, 0.3, 0.2, 0.1), 2, 4),  # the first fall, not the largest
        ((0.8, 0.8, 0.8, 0.8, 0.1), 5, 2),  # an alpha network reads two resolutions or more
        ((0.5, 0.45, 0.4, 0.4, 0.4), None, 4),  # nothing falls: everything is read
        ((-0.1, -0.3, 0.4, 0.2, 0.1), 4, 2),  # from below 0 nothing falls
    ],
)
def test_the_rule(means: tuple[float, ...], layer: int | None, levels: int) -> None:
    found = recommend((4, 8, 16, 32, 64), means)
    assert (found.layer, found.levels) == (layer, levels)
    assert found.resolution == 64 >> (levels - 1)
    assert "layer" in found.reason


def test_a_fall_of_a_fifth_is_a_quarter_above() -> None:
    means = np.array([0.5, 0.4])
    assert drops(means) == pytest.approx([0.25])
    assert first_kept(means * 0.999 + 0.001, fall=0.2) is None
    assert first_kept([0.5, 0.39]) == 1


def test_intervals_are_over_samples_and_draws() -> None:
    rng = np.random.default_rng(0)
    ssim = 0.5 + 0.1 * rng.standard_normal((1, 4, 400))
    found = interval(float(ssim.mean()), resampled_means(ssim, seed=0)[:, 0])
    half = 1.96 * 0.1 / np.sqrt(1600)
    assert found.high - found.low == pytest.approx(2 * half * np.sqrt(2), rel=0.25)
    assert interval(float("nan"), np.ones(3)).value is None
