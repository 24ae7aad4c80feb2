"""SSIM agrees with two libraries and with what can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torchmetrics.functional.image import structural_similarity_index_measure

from l4f_bench.errors import InputError
from l4f_bench.metrics.ssim import SimilarityTo
from l4f_bench.metrics.ssim_definitions import DEFINITIONS, PRIMARY


def images(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(8, 8), (32, 32), (70, 45)])
def test_it_is_that_of_torchmetrics(size: tuple[int, int]) -> None:
    target, noise = images(4, 3, *size).split([1, 3])
    preds = (0.7 * target + 0.3 * noise).clamp(0, 1)
    found = SimilarityTo(target[0])(preds)
    expected = structural_similarity_index_measure(
        preds, target.expand_as(preds), data_range=1.0, reduction="none"
    )
    assert torch.allclose(found["torchmetrics"], expected, atol=1e-5)


def test_it_is_that_of_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    target, preds = images(2, 3, 40, 32)
    expected = metrics.structural_similarity(
        preds.numpy(), target.numpy(), gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, data_range=1.0, channel_axis=0,
    )  # fmt: skip
    assert SimilarityTo(target)(preds[None])["scikit-image"].item() == pytest.approx(
        expected, abs=1e-5
    )


def test_of_two_plain_images_only_the_means_count() -> None:
    dark, light = torch.full((3, 16, 16), 0.25), torch.full((1, 3, 16, 16), 0.75)
    found = SimilarityTo(dark)(light)
    by_hand = (2 * 0.25 * 0.75 + 1e-4) / (0.25**2 + 0.75**2 + 1e-4)
    for name in DEFINITIONS:
        assert found[name].item() == pytest.approx(by_hand, abs=1e-5)


def test_an_image_is_like_itself_and_all_border_is_not_defined() -> None:
    image = images(3, 16, 16)
    assert SimilarityTo(image)(image[None])[PRIMARY].item() == pytest.approx(1)
    small = images(3, 8, 8)
    assert math.isnan(SimilarityTo(small)(small[None])["scikit-image"].item())


@pytest.mark.parametrize("shape", [(3, 5, 16), (3, 16, 5), (1, 3, 16, 16)])
def test_what_no_window_fits_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="6 pixels or more"):
        SimilarityTo(torch.zeros(shape))
