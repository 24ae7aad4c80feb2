"""Our networks give the tensors that the public implementations gave."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import CONSTANT, FIRST_CONV, Generator, truncate
from tests.goldens import GoldenCase, golden_case


@pytest.fixture(scope="module")
def generator_case() -> GoldenCase:
    return golden_case("l4f_generator_256")


@torch.no_grad()
def test_stylegan2_generator() -> None:
    case = golden_case("stylegan2_g32")
    generator = Generator.from_state_dict(case.state_dict())
    assert generator.architecture.size == case.meta["constructor"]["size"]
    w, centre = generator.mapping(case.tensor("in_z")), case.tensor("in_truncation_latent")
    case.check("out_w", w)
    case.check("out_image_trunc", generator.synthesis(truncate(w, 0.7, centre)))
    case.check("out_image", generator.synthesis(w))
    case.check("out_latent", w[:, None].expand(-1, generator.architecture.num_latents, -1))
    case.check("out_image_wplus", generator.synthesis(case.tensor("in_wplus")))
    case.check("out_image_nonoise", generator.synthesis(w, noise="none"))


@pytest.mark.parametrize("batch", [4, 8])
def test_stylegan2_discriminator(batch: int) -> None:
    case = golden_case("stylegan2_d32")
    discriminator = Discriminator.from_state_dict(case.state_dict())
    images = (case.tensor("in_images")[:batch].float() / 127.5 - 1).requires_grad_()
    scores = discriminator(images)
    case.check(f"out_score_b{batch}", scores)
    (gradient,) = torch.autograd.grad(scores.sum(), images)
    case.check(f"out_grad_b{batch}", gradient)
    case.check(f"out_r1_b{batch}", gradient.square().flatten(1).sum(1).mean())


def check_with_stats(case: GoldenCase, name: str, full: Tensor) -> None:
    case.check(name, full)
    stats = torch.stack([full.mean(), full.std(unbiased=False), full.min(), full.max()])
    case.check(f"{name}_stats", stats)


@torch.no_grad()
def test_labels4free_generator(generator_case: GoldenCase) -> None:
    case = generator_case
    generator = Generator.from_state_dict(case.state_dict())
    centre = case.tensor("in_truncation_latent")
    w_fg = generator.mapping(case.tensor("in_z_fg"))
    w_bg = generator.mapping(case.tensor("in_z_bg"))
    for call, w, mode in (("A", w_fg, None), ("B", w_bg, FIRST_CONV)):
        image, features = generator.synthesis_with_features(
            truncate(w, 0.5, centre), background=mode
        )
        check_with_stats(case, f"out_{call}_image", image)
        case.check(f"out_{call}_image_crop", image)
        for index, feature in enumerate(features[1:]):  # the public list starts at convs.0
            check_with_stats(case, f"out_{call}_feat{index}", feature)
    image = generator.synthesis(w_fg, background=FIRST_CONV)
    check_with_stats(case, "out_C_image", image)
    case.check("out_C_image_crop", image)
    case.check("out_D_latent", w_fg[:, None].expand(-1, 18, -1))
    case.check("out_D_image", generator.synthesis(w_fg))  # the public one reads 14 of the 18


def test_background_of_a_zeroed_constant_keeps_noise_and_bias() -> None:
    case = golden_case("stylegan2_g32")
    generator = Generator.from_state_dict(case.state_dict())
    state = case.state_dict()
    state["input.input"] = torch.zeros_like(state["input.input"])
    w = generator.mapping(case.tensor("in_z"))
    with torch.no_grad():
        expected = Generator.from_state_dict(state).synthesis(w)
        assert np.allclose(generator.synthesis(w, background=CONSTANT), expected, atol=1e-6)
