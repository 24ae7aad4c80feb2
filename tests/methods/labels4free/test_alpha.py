from __future__ import annotations

import pytest
import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import FIRST_CONV, Generator, truncate
from l4f_bench.methods.labels4free.alpha import AlphaNetwork, alpha_network
from l4f_bench.methods.labels4free.objective import (
    background_coverage,
    binarisation,
    composite,
    foreground_coverage,
)
from tests.goldens import GoldenCase, golden_case
from tests.networks import small_generator

LAYOUTS = ("bg_extractor", "bg_extractor_repro")


@pytest.fixture(scope="module")
def painted() -> dict[str, Tensor | Generator]:
    """The generator of the golden cases and its two latents, truncated."""
    case = golden_case("l4f_generator_256")
    generator = Generator.from_state_dict(case.state_dict())
    centre = case.tensor("in_truncation_latent")
    with torch.no_grad():
        latents = {
            name: truncate(generator.mapping(case.tensor(f"in_z_{name}")), 0.5, centre)
            for name in ("fg", "bg")
        }
    return {"generator": generator, **latents}


@pytest.mark.parametrize("name", ["l4f_alpha_256", "l4f_alpha_repro_256"])
@torch.no_grad()
def test_alpha_networks_give_the_public_masks(
    name: str, painted: dict[str, Tensor | Generator]
) -> None:
    case: GoldenCase = golden_case(name)
    network = AlphaNetwork.from_state_dict(case.state_dict())
    assert list(network.state_dict()) == list(case.state_dict())
    generator = painted["generator"]
    assert network.start_resolution(256) == case.meta["constructor"]["min_res"]
    foreground, alpha = network.paint(generator, painted["fg"])
    background, of_background = network.paint(generator, painted["bg"], background=FIRST_CONV)
    for key, tensor in (
        ("out_mask", alpha),
        ("out_composite", composite(foreground, background, alpha)),
        ("out_mask_of_background", of_background),
    ):
        case.check(key, tensor)
        stats = [tensor.mean(), tensor.std(unbiased=False), tensor.min(), tensor.max()]
        case.check(f"{key}_stats", torch.stack(stats))
    case.check("out_mask_crop", alpha)
    case.check("out_mask_corner", alpha)
    case.check("out_hard_mask_fraction", (alpha > 0.5).float().mean())
    case.check("out_loss_binarization", binarisation(alpha))
    case.check("out_loss_fg_coverage_0.25", foreground_coverage(alpha, 0.25))
    case.check("out_loss_fg_coverage_0.75", foreground_coverage(alpha, 0.75))
    case.check("out_loss_bg_coverage_0.75", background_coverage(alpha, 0.75))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("levels", [2, 3, 4, 5])
@torch.no_grad()
def test_any_number_of_resolutions_survives_its_state_dict(layout: str, levels: int) -> None:
    widths = (7, 6, 5, 4, 3, 2)
    generator = small_generator(128, widths)
    network = alpha_network(layout, widths[-levels:]).eval()
    again = AlphaNetwork.from_state_dict(network.state_dict())
    assert type(again) is type(network)
    assert again.channels == network.channels
    w = torch.randn(2, 8)
    _, alpha = network.paint(generator, w)
    assert alpha.shape == (2, 1, 128, 128)
    assert torch.equal(alpha, again.paint(generator, w)[1])


@torch.no_grad()
def test_the_two_layouts_are_one_graph() -> None:
    first = alpha_network("bg_extractor", (6, 5, 4)).eval()
    second = alpha_network("bg_extractor_repro", (6, 5, 4)).eval()
    for index in range(6):
        second.projection(index).load_state_dict(first.projection(index).state_dict())
    second.merge(1).load_state_dict(first.merge(1).state_dict())
    second.conv_n.load_state_dict(first.conv_n.state_dict())
    w = torch.randn(2, 8)
    generator = small_generator()
    assert torch.equal(first.paint(generator, w)[1], second.paint(generator, w)[1])


@torch.no_grad()
def test_streaming_equals_keeping_all_features() -> None:
    generator, network = small_generator(), alpha_network("bg_extractor", (5, 4))
    w = torch.randn(2, 8)
    image, features = generator.synthesis_with_features(w)
    streamed_image, alpha = network.paint(generator, w)
    assert torch.equal(image, streamed_image)
    assert torch.equal(alpha, network(features[-4:]))


def test_a_generator_of_other_widths_is_refused() -> None:
    network = alpha_network("bg_extractor", (8, 4))
    with pytest.raises(InputError, match=r"\[8, 4\] channels, but a generator of 32 .* \[5, 4\]"):
        network.paint(small_generator(), torch.randn(1, 8))


def test_a_state_dict_of_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="not an alpha network"):
        AlphaNetwork.from_state_dict(small_generator().state_dict())
    state = alpha_network("bg_extractor", (6, 5, 4)).state_dict()
    state["conv_n.weight"] = torch.zeros(1, 7, 1, 1)
    del state["conv_n.bias"]
    state["extra"] = torch.zeros(1)
    with pytest.raises(InputError) as caught:
        AlphaNetwork.from_state_dict(state)
    message = str(caught.value)
    assert "missing: conv_n.bias; unexpected: extra" in message
    assert "conv_n.weight is [1, 7, 1, 1] instead of [1, 6, 1, 1]" in message


def test_losses_of_masks_known_by_hand() -> None:
    alpha = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 1, 2, 2)
    assert binarisation(alpha) == pytest.approx((0 + 0.25 + 0.5 + 0) / 4)
    two = torch.cat([torch.full((1, 1, 2, 2), 0.1), torch.full((1, 1, 2, 2), 0.9)])
    # A full mask must not make up for an empty one: coverage is per image.
    assert foreground_coverage(two, 0.25) == pytest.approx(0.15 / 2)
    assert background_coverage(two, 0.25) == pytest.approx(0.15 / 2)
