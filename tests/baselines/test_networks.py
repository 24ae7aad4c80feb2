"""What the golden cases leave open: variants, fused layers, perturbations at the border."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from l4f_bench.errors import InputError
from l4f_bench.seeds import random_numbers
from l4f_bench_baselines.pseg.architecture import PUBLIC_CHANNELS, VARIANTS, PSegArchitecture
from l4f_bench_baselines.pseg.discriminator import Discriminator
from l4f_bench_baselines.pseg.generator import LayeredGenerator, noise_maps
from l4f_bench_baselines.pseg.layers import Downsample, FusedDownsample, FusedUpsample, Upsample
from l4f_bench_baselines.pseg.perturb import contrast_jitter, draw_perturbations, shift
from tests.baselines.networks import small_pseg
from tests.goldens import golden_case


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_known_again_by_its_tensors(variant: str) -> None:
    generator = small_pseg(variant)
    again = LayeredGenerator.from_state_dict(generator.state_dict())
    assert again.architecture == generator.architecture
    noise = noise_maps(again.architecture, 2, 3, seed=0, index=0, stream=0)
    w = again.mapping(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    assert w.shape == (3, 2 if variant == "two-generators" else 1, 8)
    layers = again(w, noise, 2)
    assert layers.background.shape == layers.foreground.shape == (3, 3, 16, 16)
    assert layers.alpha.shape == (3, 1, 16, 16)
    assert 0 < layers.alpha.min() < layers.alpha.max() < 1


# Key names of the sibling classes, from the notes of the golden case.
@pytest.mark.parametrize(
    ("variant", "keys"),
    [
        (
            "shared-style",
            {
                "generator.generators.0.to_rgb.0.conv.bias": (3,),
                "generator.generators.1.to_out.0.conv.bias": (4,),
                "generator.style.1.linear.weight_orig": (8, 8),
            },
        ),
        (
            "one-generator",
            {
                "generator.generator.to_out.0.conv.bias": (7,),
                "generator.style.3.linear.bias": (8,),
            },
        ),
    ],
)
def test_the_other_variants_have_the_published_keys(
    variant: str, keys: dict[str, tuple[int, ...]]
) -> None:
    state = small_pseg(variant).state_dict()
    assert {key: tuple(state[key].shape) for key in keys} == keys


def test_public_sizes_give_the_public_keys_in_their_order() -> None:
    with torch.device("meta"):
        own = LayeredGenerator(PSegArchitecture()).state_dict()
        judge = Discriminator(PUBLIC_CHANNELS).state_dict()
    for state, name in ((own, "pseg_bgfgmask"), (judge, "pseg_discriminator")):
        public = golden_case(name).state_dict()
        assert list(state) == list(public)
        assert [v.shape for v in state.values()] == [v.shape for v in public.values()]


def test_folded_resampling_equals_two_operations() -> None:
    torch.manual_seed(0)
    up, down = Upsample(3, 4).double(), Downsample(3, 4).double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    large = F.interpolate(x, scale_factor=2, mode="nearest")
    torch.testing.assert_close(up(x), F.conv2d(large, up.conv.weight, up.conv.bias, padding=1))
    full = F.conv2d(x, down.conv.weight, down.conv.bias, padding=1)
    torch.testing.assert_close(down(x), F.avg_pool2d(full, 2))


def test_fused_layers_average_over_a_kernel_of_four() -> None:
    """The discriminator's equals convolution and mean; the generator's is a quarter of a sum."""
    torch.manual_seed(0)
    down, up = FusedDownsample(3, 4).double(), FusedUpsample(3, 4).double()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    scale = (2 / 27) ** 0.5
    expected = F.avg_pool2d(F.conv2d(x, down.weight * scale, padding=1), 2)
    torch.testing.assert_close(down(x), expected)
    large = F.interpolate(x, scale_factor=2, mode="nearest")
    kernel = up.weight.transpose(0, 1).flip(2, 3) * scale
    torch.testing.assert_close(up(x), F.conv2d(large, kernel, padding=1) / 4)


def test_the_gradient_penalty_reaches_every_weight_of_a_growing_level() -> None:
    torch.manual_seed(0)
    network = Discriminator((6, 5, 4)).double()
    images = torch.randn(4, 3, 16, 16, dtype=torch.float64, requires_grad=True)

    def score(x: torch.Tensor) -> torch.Tensor:
        return network(x, 2, 0.5)

    assert torch.autograd.gradgradcheck(score, images, fast_mode=True)
    (gradient,) = torch.autograd.grad(score(images).sum(), images, create_graph=True)
    gradient.square().sum().backward()
    still = {
        name
        for name, p in network.named_parameters()
        if name.endswith("weight_orig") and (p.grad is None or not p.grad.any())
    }
    assert still == {"from_rgb.2.0.conv.weight_orig"}  # that of 4 pixels is not in use


def test_a_shift_moves_right_and_down_and_fills_with_zeros() -> None:
    image = torch.arange(1.0, 10).view(1, 1, 3, 3).repeat(4, 1, 1, 1)
    moved = shift(image, torch.tensor([[1, 0], [0, 1], [-1, -2], [3, 0]]))
    assert moved[0, 0].tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]
    assert moved[1, 0].tolist() == [[0, 0, 0], [1, 2, 3], [4, 5, 6]]
    assert moved[2, 0].tolist() == [[8, 9, 0], [0, 0, 0], [0, 0, 0]]
    assert not moved[3].any()


def test_contrast_stays_within_the_range_of_each_channel() -> None:
    images = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    same, stronger = (contrast_jitter(images, torch.full((2,), f)) for f in (1.0, 1.3))
    torch.testing.assert_close(same, images)
    assert torch.equal(stronger.amax(dim=(2, 3)), images.amax(dim=(2, 3)))
    assert torch.equal(stronger.amin(dim=(2, 3)), images.amin(dim=(2, 3)))
    flat = contrast_jitter(images, torch.zeros(2))
    torch.testing.assert_close(flat[0, 0], images[0, 0].mean().expand(8, 8))


def test_perturbations_are_uniform_within_their_reach() -> None:
    offsets, factors = draw_perturbations(
        random_numbers(seed=0, index=0), 20_000, reach=0.125, side=32, contrast=0.3
    )
    assert offsets.unique().tolist() == list(range(-4, 5))
    assert float(offsets.float().mean()) == pytest.approx(0, abs=0.05)
    share = float((offsets == 0).float().mean())  # an inner value covers 1 of 8 pixels
    assert share == pytest.approx(1 / 8, abs=0.01)
    assert float(factors.min()) == pytest.approx(0.7, abs=0.01)
    assert float(factors.max()) == pytest.approx(1.3, abs=0.01)


def test_unknown_variants_and_levels_are_refused() -> None:
    with pytest.raises(InputError, match="Did you mean 'one-generator'"):
        PSegArchitecture(variant="one-generators")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 \\(4 pixels\\)"):
        PSegArchitecture(channels=())


@pytest.mark.parametrize("level", [-1, 3])
def test_levels_that_a_network_lacks_are_refused(level: int) -> None:
    generator, network = small_pseg(), Discriminator((6, 5, 4))
    noise = noise_maps(generator.architecture, 2, 1, seed=0, index=0, stream=0)
    message = rf"level {level} is out of range: .* 0 \(4 pixels\) to 2 \(16\)"
    with pytest.raises(InputError, match=message):
        generator(generator.mapping(torch.zeros(1, 8)), noise, level)
    with pytest.raises(InputError, match=message):
        network(torch.zeros(1, 3, 16, 16), level)


def test_noise_and_latents_of_another_form_are_refused() -> None:
    generator = small_pseg()
    noise = noise_maps(generator.architecture, 2, 3, seed=0, index=0, stream=0)
    w = generator.mapping(torch.randn(3, 8))
    halves = [maps[:, :1] for maps in noise]
    assert generator(w, halves, 2).alpha.shape == (3, 1, 16, 16)
    for wrong in (noise[:2], [*noise[:2], noise[1]], [*noise[:2], noise[2][:2]], noise[1:]):
        with pytest.raises(InputError, match=r"Noise maps must be 3 tensors \[N, 2 or 1, H, W\]"):
            generator(w, wrong, 2)
    per_level = w[:, :, None].expand(-1, -1, 2, -1)
    for latents in (w[:, :1], w[..., :7], per_level):
        with pytest.raises(InputError, match=r"give w \[N, 2, 8\], or \[N, 2, 3 or more, 8\]"):
            generator(latents, noise, 2)
