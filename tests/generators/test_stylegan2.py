from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import signal

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import (
    DiscriminatorArchitecture,
    GeneratorArchitecture,
    default_channels,
)
from l4f_bench.generators.conversion import from_nvidia_generator
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.layers import Fir, ModulatedConv2d
from l4f_bench.generators.stylegan2 import CONSTANT, FIRST_CONV, BackgroundMode, Generator, truncate
from tests.goldens import golden_case
from tests.networks import small_generator

SIZES = (8, 16, 64)


def widths(size: int) -> tuple[int, ...]:
    return tuple(range(3, 3 + size.bit_length() - 2))


@pytest.mark.parametrize("size", SIZES)
@torch.no_grad()
def test_sizes_are_read_off_the_tensors(size: int) -> None:
    architecture = GeneratorArchitecture(
        size=size, channels=widths(size), mapping_widths=(7, 9, 9, 6)
    )
    generator = Generator(architecture)
    again = Generator.from_state_dict(generator.state_dict())
    assert again.architecture == architecture
    z = torch.randn(2, 7)
    image = again.synthesis(again.mapping(z))
    assert image.shape == (2, 3, size, size)
    assert torch.equal(image, generator.synthesis(generator.mapping(z)))


@pytest.mark.parametrize("size", SIZES)
def test_discriminator_sizes_are_read_off_the_tensors(size: int) -> None:
    architecture = DiscriminatorArchitecture(size=size, channels=widths(size), hidden=5)
    discriminator = Discriminator(architecture)
    again = Discriminator.from_state_dict(discriminator.state_dict())
    assert again.architecture == architecture
    images = torch.randn(4, 3, size, size)
    assert torch.equal(again(images), discriminator(images))


def test_public_widths() -> None:
    assert default_channels(1024) == (512, 512, 512, 512, 512, 256, 128, 64, 32)
    assert default_channels(256, multiplier=1) == (512, 512, 512, 512, 256, 128, 64)


@pytest.mark.parametrize("size", [4, 12, 2048])
def test_impossible_sizes_are_refused(size: int) -> None:
    with pytest.raises(InputError, match=rf"must have 8, 16, … or 1024 pixels, not {size}\.$"):
        GeneratorArchitecture(size=size, channels=(4,))


def test_absent_filters_and_noise_are_filled_in() -> None:
    generator = small_generator()
    state = {
        key: value
        for key, value in generator.state_dict().items()
        if not key.endswith(".kernel") and not key.startswith("noises.")
    }
    again = Generator.from_state_dict(state)
    w = torch.randn(2, 8)
    with torch.no_grad():
        assert torch.equal(again.synthesis(w), generator.synthesis(w))


def test_mismatches_are_listed_with_both_shapes() -> None:
    state = small_generator().state_dict()
    state["to_rgbs.1.bias"] = torch.zeros(1, 4, 1, 1)
    state["d.weight"] = torch.zeros(2)
    del state["convs.2.noise.weight"]
    with pytest.raises(InputError) as caught:
        Generator.from_state_dict(state)
    message = str(caught.value)
    assert "missing: convs.2.noise.weight; unexpected: d.weight" in message
    assert "misshapen: to_rgbs.1.bias is [1, 4, 1, 1] instead of [1, 3, 1, 1]" in message


@torch.no_grad()
def test_truncation_of_0_gives_the_mean_image_and_1_changes_nothing() -> None:
    generator = small_generator()
    w, mean = generator.mapping(torch.randn(3, 8)), generator.mean_latent(64)
    assert torch.allclose(truncate(w, 1.0, mean), w, atol=1e-6)
    images = generator.synthesis(truncate(w, 0.0, mean))
    assert torch.allclose(images, generator.synthesis(mean).expand(3, -1, -1, -1), atol=1e-5)


@torch.no_grad()
def test_truncation_may_stop_at_a_row_as_nvidias_does() -> None:
    """The rows that are pulled and those that are not, each as recorded."""
    case = golden_case("nv_generator")
    state = case.state_dict()
    generator = Generator.from_state_dict(from_nvidia_generator(state))
    mean = state["mapping.w_avg"]
    w = generator.w_plus(generator.mapping(case.tensor("in_z")))
    count = generator.architecture.num_latents
    for cutoff in (0, 3, count):
        pulled = truncate(w, 0.7, mean, truncation_cutoff=cutoff)
        assert pulled.shape == (2, count, 64)
        for row in range(count):
            case.check("out_ws_trunc" if row < cutoff else "out_w", pulled[:, row])
    case.check("out_image_trunc", generator.synthesis(truncate(w, 0.7, mean)))
    case.check("out_image", generator.synthesis(truncate(w, 0.7, mean, truncation_cutoff=0)))


@torch.no_grad()
def test_mixed_styles_take_each_row_from_one_latent() -> None:
    generator = small_generator()
    coarse, fine = generator.mapping(torch.randn(2, 2, 8).flatten(0, 1)).chunk(2)
    mixed = generator.mix_styles(coarse, fine, 3)
    for row in range(generator.architecture.num_latents):
        assert torch.equal(mixed[:, row], coarse if row < 3 else fine)
    low = generator.synthesis_with_features(coarse)[1]
    features = generator.synthesis_with_features(mixed)[1]
    assert all(torch.equal(features[layer], low[layer]) for layer in range(3))
    assert not torch.equal(features[3], low[3])
    assert torch.equal(generator.mix_styles(mixed, fine, 2)[:, 2], fine)


def test_impossible_crossovers_and_cutoffs_are_refused() -> None:
    generator = small_generator()
    w = torch.randn(2, 8)
    for crossover in (-1, 9):
        with pytest.raises(InputError, match=f"crossover {crossover} is out of range: .* 0 to 8"):
            generator.mix_styles(w, w, crossover)
        with pytest.raises(InputError, match=f"cutoff {crossover} is out of range: .* 0 to 8"):
            truncate(generator.w_plus(w), 0.7, w[:1], truncation_cutoff=crossover)
    with pytest.raises(InputError, match="1 and 2 latents cannot be mixed"):
        generator.mix_styles(w[:1], w, 3)
    with pytest.raises(InputError, match=r"truncation_cutoff .* \[2, 8\].* generator\.w_plus\(w\)"):
        truncate(w, 0.7, w[:1], truncation_cutoff=3)


@torch.no_grad()
def test_w_plus_of_equal_latents_is_w() -> None:
    generator = small_generator()
    w = torch.randn(2, 8)
    w_plus = w[:, None].repeat(1, generator.architecture.num_latents, 1)
    assert torch.equal(generator.synthesis(w), generator.synthesis(w_plus))


@torch.no_grad()
def test_noise_is_fixed_random_given_or_none() -> None:
    generator = small_generator()
    w = torch.randn(1, 8)
    fixed = generator.synthesis(w)
    assert torch.equal(fixed, generator.synthesis(w))
    stored = [generator.noises.get_buffer(f"noise_{layer}") for layer in range(7)]
    assert torch.equal(fixed, generator.synthesis(w, noise=stored))
    zeros = [torch.zeros_like(tensor) for tensor in stored]
    none = generator.synthesis(w, noise="none")
    assert torch.allclose(none, generator.synthesis(w, noise=zeros), atol=1e-6)
    first, second = (generator.synthesis(w, noise="random") for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(first, fixed)


@pytest.mark.parametrize("shape", [(2, 9), (2, 7, 8), (2, 9, 8), (2, 8, 9), (8,)])
def test_latents_of_another_form_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"give w \[N, 8\] or w\+ \[N, 8, 8\]"):
        small_generator().synthesis(torch.randn(shape))


def test_noise_of_another_form_is_refused() -> None:
    generator = small_generator()
    fixed = [generator.noises.get_buffer(f"noise_{layer}") for layer in range(7)]
    w = torch.randn(2, 8)
    for wrong in (fixed[:1], fixed[:6], [*fixed, fixed[6]], [*fixed[:6], fixed[6][:, :, 1:]]):
        with pytest.raises(InputError, match="Noise maps must be 7 tensors"):
            generator.synthesis(w, noise=wrong)
    with pytest.raises(InputError, match="with N = 2 or 1 and"):
        generator.synthesis(w, noise=[*fixed[:6], fixed[6].expand(3, -1, -1, -1)])
    with torch.no_grad():
        generator.synthesis(w, noise=[*fixed[:6], fixed[6].expand(2, -1, -1, -1)])


@torch.no_grad()
def test_features_come_in_the_order_of_the_layers() -> None:
    generator = small_generator()
    image, features = generator.synthesis_with_features(torch.randn(2, 8))
    assert [tuple(feature.shape[1:]) for feature in features] == [
        (8, 4, 4), (6, 8, 8), (6, 8, 8), (5, 16, 16), (5, 16, 16), (4, 32, 32), (4, 32, 32),
    ]  # fmt: skip
    assert image.shape == (2, 3, 32, 32)


@torch.no_grad()
def test_background_modes_zero_what_they_say() -> None:
    generator = small_generator()
    w = torch.randn(2, 8)
    _, features = generator.synthesis_with_features(w, background=FIRST_CONV)
    assert not features[0].any()
    every = BackgroundMode(name="channels", layer=0, channels=tuple(range(8)))
    assert torch.equal(
        generator.synthesis(w, background=FIRST_CONV), generator.synthesis(w, background=every)
    )
    some = BackgroundMode(name="channels", layer=3, channels=(1, 4))
    _, features = generator.synthesis_with_features(w, background=some)
    assert not features[3][:, [1, 4]].any()
    assert features[3][:, [0, 2, 3]].any()
    # With the constant zeroed nothing but noise and bias is left of the first layer.
    _, features = generator.synthesis_with_features(w, background=CONSTANT, noise="none")
    assert torch.equal(features[0][0], features[0][1])


@pytest.mark.parametrize("side", [3, 1])
@pytest.mark.parametrize("upsample", [False, True])
@torch.no_grad()
def test_modulated_convolution_agrees_with_scaled_weights(side: int, upsample: bool) -> None:
    """Against the definition: the weights of each image scaled, normalised and applied."""
    if side == 1 and upsample:
        return
    torch.manual_seed(0)
    conv = ModulatedConv2d(6, 5, side, 4, upsample=upsample)
    x, w = torch.randn(3, 6, 20, 20), torch.randn(3, 4)
    for index in range(3):
        weight = (
            conv.scale * conv.weight[0] * conv.modulation(w[index : index + 1])[0, :, None, None]
        )
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if upsample:
            spread = torch.zeros(6, 41, 41)
            spread[:, 1:-1:2, 1:-1:2] = x[index]  # zeros between and around the pixels
            full = _convolve_full(spread.numpy(), weight.numpy())[:, 1:-1, 1:-1]
            taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
            expected = np.stack([signal.convolve2d(plane, taps) for plane in full])
            # centred: what is left of the borders is cut off evenly
            cut = (expected.shape[1] - 40) // 2
            expected = expected[:, cut : cut + 40, cut : cut + 40]
        else:
            padding = side // 2
            expected = torch.nn.functional.conv2d(x[index], weight, padding=padding).numpy()
        batched = conv(x, w)[index].numpy()
        single = conv(x[index : index + 1], w[index : index + 1])[0].numpy()
        assert np.abs(batched - single).max() < 1e-4
        assert np.abs(batched - expected).max() < 1e-4


def _convolve_full(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Full convolution of ``[C, H, W]`` by ``[K, C, h, w]``, summed over C."""
    return np.stack(
        [
            sum(signal.convolve2d(plane, kernel) for plane, kernel in zip(x, kernels, strict=True))
            for kernels in weight
        ]
    )


@torch.no_grad()
def test_filters_agree_with_scipy() -> None:
    x = torch.randn(1, 2, 9, 9)
    taps = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 64
    blur = Fir(padding=2)(x)[0].numpy()
    for plane, given in zip(blur, x[0].numpy(), strict=True):
        expected = signal.convolve2d(np.pad(given, 2), taps, mode="valid")
        assert np.abs(plane - expected).max() < 1e-5


def test_channels_that_no_pair_shares_still_build() -> None:
    assert all(a != b for a, b in pairwise(small_generator().architecture.channels))


def test_second_derivatives_exist_for_r1_and_path_length() -> None:
    discriminator = Discriminator(DiscriminatorArchitecture(size=16, channels=(4, 5, 6)))
    images = torch.randn(4, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(discriminator(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    assert discriminator.final_linear[0].weight.grad.abs().sum() > 0
    generator = small_generator()
    w = torch.randn(2, 8, requires_grad=True)
    image = generator.synthesis(w)
    (gradient,) = torch.autograd.grad((image * torch.randn_like(image)).sum(), w, create_graph=True)
    gradient.square().sum().backward()
    assert generator.convs[0].conv.weight.grad.abs().sum() > 0


@torch.no_grad()
def test_gradients_being_on_changes_no_image() -> None:
    generator = small_generator()
    w = torch.randn(2, 8)
    without = generator.synthesis(w)
    with torch.enable_grad():
        assert torch.allclose(generator.synthesis(w), without, atol=1e-5)


@pytest.mark.parametrize("batch", [5, 6])
def test_batches_that_do_not_divide_into_groups_are_refused(batch: int) -> None:
    discriminator = Discriminator(DiscriminatorArchitecture(size=8, channels=(4, 4)))
    with pytest.raises(InputError, match="multiple of 4"):
        discriminator(torch.randn(batch, 3, 8, 8))


def test_a_clamp_bounds_every_feature() -> None:
    generator = small_generator()
    clamped = Generator.from_state_dict(generator.state_dict(), conv_clamp=0.5)
    with torch.no_grad():
        _, features = clamped.synthesis_with_features(torch.randn(2, 8))
    assert all(feature.abs().max() <= 0.5 for feature in features)
