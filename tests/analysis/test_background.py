"""The analysis of background channels."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from l4f_bench.analysis.crops import background_box, cut_background
from l4f_bench.analysis.gradients import (
    background_gradients,
    curated,
    layer_names,
    shuffled,
    whole_layer,
)
from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import CONSTANT, FIRST_CONV, BackgroundMode
from tests.networks import small_generator

W = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
TARGET = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_the_gradient_at_the_constant_is_that_of_small_steps() -> None:
    generator = small_generator().double()
    w, target = W[:1].double(), TARGET.double()
    start = generator.input.input.detach()

    def loss(constant: Tensor) -> float:
        with torch.no_grad():
            image = generator.synthesis(w, noise="none", constant=constant)
        return float((image - target).square().sum())

    steps = torch.zeros(start.shape[1:], dtype=torch.float64)
    for place in torch.cartesian_prod(torch.arange(2), torch.arange(4), torch.arange(4)):
        change = torch.zeros_like(start)
        change[0, *place] = 1e-5
        steps[*place] = (loss(start + change) - loss(start - change)) / 2e-5
    found = background_gradients(generator, w, target, noise="none")
    expected = steps.flatten(1).norm(dim=1)[:2]
    assert torch.allclose(found.layers[0][0, :2], expected, rtol=1e-5)


def test_the_gradient_of_a_channel_is_that_of_scaling_nothing_else() -> None:
    """At the last layer the image is linear in the features: its gradient is known."""
    generator = small_generator().double()
    w = W[:1].double()
    found = background_gradients(generator, w, TARGET.double())
    image = generator.synthesis(w).detach()
    conv = generator.to_rgbs[-1].conv
    style = conv.modulation(w)[0] * conv.scale * conv.weight[0, :, :, 0, 0]  # [3, C]
    error = 2 * (image - TARGET.double())[0]
    expected = torch.einsum("oc,ohw->chw", style, error).flatten(1).norm(dim=1)
    assert torch.allclose(found.layers[-1][0], expected)


def test_measures_are_of_each_image_alone() -> None:
    generator = small_generator()
    both = background_gradients(generator, W, TARGET)
    one = background_gradients(generator, W[1:], TARGET)
    names = layer_names(generator)
    assert names[:3] == ("input", "conv1", "convs.0")
    assert both.summed().shape == (2, len(names))
    assert torch.allclose(both.summed()[1:], one.summed(), rtol=1e-4)
    sizes = torch.tensor(
        [norms.shape[1] * side for norms, side in zip(both.layers, both.sides, strict=True)]
    )
    assert torch.allclose(both.per_element() * sizes, both.summed(), rtol=1e-5)
    with pytest.raises(InputError, match="Backgrounds must be"):
        background_gradients(generator, W, TARGET[..., :16])


def test_shuffling_moves_values_and_changes_none() -> None:
    generator = small_generator()
    found = shuffled(generator, 4)
    pairs = list(zip(generator.parameters(), found.parameters(), strict=True))
    for before, after in pairs:
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values)
    assert not torch.equal(pairs[0][0], pairs[0][1])
    assert torch.equal(shuffled(generator, 4).conv1.conv.weight, found.conv1.conv.weight)
    assert torch.equal(generator.noises.noise_0, found.noises.noise_0)


def test_modes_of_whole_layers_zero_what_they_say() -> None:
    generator = small_generator()
    assert whole_layer(generator, -1) is CONSTANT
    assert whole_layer(generator, 0) is FIRST_CONV
    seen: list[Tensor] = []
    generator.synthesis(
        W, background=whole_layer(generator, 2), on_feature=lambda _, x: seen.append(x)
    )
    assert [bool(x.any()) for x in seen[:4]] == [True, True, False, True]


def test_some_channels_of_the_constant_can_be_zeroed() -> None:
    generator = small_generator()
    mode = BackgroundMode(name="channels", layer=-1, channels=tuple(range(8)))
    with torch.no_grad():
        all_of_them = generator.synthesis(W, background=mode)
        assert torch.equal(all_of_them, generator.synthesis(W, background=CONSTANT))


def test_curated_channels_lie_on_one_side_of_the_threshold() -> None:
    norms = torch.tensor([3.0, 1.0, 2.0])
    assert curated(norms, 2.0, layer=0).channels == (0, 2)
    assert curated([3.0, 1.0, 2.0], 2.0, layer=5, zero="below") == BackgroundMode(
        name="channels", layer=5, channels=(1,)
    )
    with pytest.raises(InputError, match="above or below"):
        curated(norms, 2.0, layer=0, zero="beside")


def test_the_plainest_square_without_an_object_is_cut() -> None:
    image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(2))
    image[:, 12:20, 12:20] = 0.5  # the plainest, but not at an edge
    image[:, :8, 24:] = 0.1
    assert background_box(image, 8) == (0, 24, 8)
    mask = torch.zeros(32, 32, dtype=torch.bool)
    assert background_box(image, 8, mask) in {(0, 24, 8), (12, 12, 8)}
    mask[:12, :] = True
    assert background_box(image, 8, mask) == (12, 12, 8)
    assert background_box(image, 8, ~torch.zeros_like(mask)) is None
    crop = cut_background(image[None], (0, 24, 8))
    assert crop.shape == (1, 3, 32, 32)
    assert torch.allclose(crop, torch.tensor(0.1))
    with pytest.raises(InputError, match="does not fit"):
        background_box(image, 33)
    with pytest.raises(InputError, match="does not fit"):
        background_box(image, 8, mask[:16])
