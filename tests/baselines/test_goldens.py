"""PSeg's networks and operations give the tensors that the public implementation gave."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from l4f_bench.generators.stylegan2 import truncate
from l4f_bench_baselines.pseg.discriminator import Discriminator
from l4f_bench_baselines.pseg.generator import LayeredGenerator, Layers
from l4f_bench_baselines.pseg.objective import gradient_penalty, loss_on_real, mask_loss
from l4f_bench_baselines.pseg.perturb import perturb
from tests.goldens import GoldenCase, golden_case


@pytest.fixture(scope="module")
def case() -> GoldenCase:
    return golden_case("pseg_bgfgmask")


@pytest.fixture(scope="module")
def generator(case: GoldenCase) -> LayeredGenerator:
    return LayeredGenerator.from_state_dict(case.state_dict())


def noise_of(case: GoldenCase, level: int) -> list[Tensor]:
    return [case.tensor(f"in_noise_{step}") for step in range(level + 1)]


def check_layers(case: GoldenCase, name: str, layers: Layers) -> None:
    for part, full in (
        ("bg", layers.background),
        ("fg", layers.foreground),
        ("mask", layers.alpha),
        ("rendered", layers.composite),
    ):
        case.check(f"out_{name}_{part}", full)
        stats = torch.stack([full.mean(), full.std(unbiased=False), full.min(), full.max()])
        case.check(f"out_{name}_{part}_stats", stats)


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "level", "fade"),
    [("step3_a1", 3, 1.0), ("step3_a05", 3, 0.5), ("step0", 0, 1.0), ("step5_a03", 5, 0.3)],
)
def test_layers_of_every_level_and_fade(
    case: GoldenCase, generator: LayeredGenerator, name: str, level: int, fade: float
) -> None:
    w = generator.mapping(case.tensor("in_z"))
    check_layers(case, name, generator(w, noise_of(case, level), level, fade))


@torch.no_grad()
def test_mappings_mixing_and_truncation(case: GoldenCase, generator: LayeredGenerator) -> None:
    first, second = (generator.mapping(case.tensor(name)) for name in ("in_z", "in_z2"))
    case.check("out_style_bg", first[:, 0])
    case.check("out_style_objects", first[:, 1])
    per_level = torch.stack([first, second, second, second], dim=2)
    check_layers(case, "mix", generator(per_level, noise_of(case, 3), 3))
    truncated = truncate(first, 0.7, first.mean(dim=0))
    case.check("out_trunc_bg", generator(truncated, noise_of(case, 3), 3).background)


def test_discriminator_keys_and_scores() -> None:
    case = golden_case("pseg_discriminator")
    network = Discriminator.from_state_dict(case.state_dict())
    assert list(network.state_dict()) == list(case.state_dict())
    real, fake = (case.tensor(f"in_images{i}").float() / 127.5 - 1 for i in ("", "2"))
    with torch.no_grad():
        case.check("out_score_a1", network(real, 3))
        case.check("out_score_a05", network(real, 3, 0.5))
        case.check("out_score2", network(fake, 3))
        case.check("out_score_small", network(torch.nn.functional.avg_pool2d(real, 4), 1, 0.7))
        case.check("out_features1", network.features(real, 3))


def test_discriminator_losses() -> None:
    case = golden_case("pseg_discriminator")
    network = Discriminator.from_state_dict(case.state_dict())
    real, fake = (case.tensor(f"in_images{i}").float() / 127.5 - 1 for i in ("", "2"))
    case.check("out_loss_real", loss_on_real(network(real, 3), 0.001))
    case.check("out_loss_fake", network(fake, 3).mean())
    mix = case.tensor("in_eps").view(-1, 1, 1, 1)
    penalty = gradient_penalty(lambda images: network(images, 3, 0.5), real, fake, mix)
    case.check("out_gradient_penalty", 10 * penalty)
    between = (mix * real + (1 - mix) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(network(between, 3, 0.5).sum(), between)
    case.check("out_gradient_norms", gradient.flatten(1).norm(dim=1))


def test_perturbations_and_mask_losses() -> None:
    case = golden_case("pseg_ops")
    layers = Layers(*(case.tensor(f"in_{part}") for part in ("bg", "fg", "mask")))
    offsets, factors = case.tensor("in_shifts"), case.tensor("in_jitter").flatten()
    perturbed = perturb(layers, offsets, factors)
    case.check("out_bg_jittered", perturbed.background)
    case.check("out_fg_shifted", perturbed.foreground)
    case.check("out_mask_shifted", perturbed.alpha)
    case.check("out_rendered", layers.composite)
    case.check("out_rendered_perturbed", perturbed.composite)
    for name in ("min_permask", "min_mask", "min_mask_batch"):
        only = mask_loss(layers.alpha, coverage=0.25, coverage_weight=1, binary=0)
        case.check(f"out_loss_{name}", only)
    only = mask_loss(layers.alpha, coverage=0.25, coverage_weight=0, binary=1)
    case.check("out_loss_binarization", only)
    for name, alpha, weights in (
        ("0.05", layers.alpha, (0.05, 2.0, 2.0)),
        ("0.25", layers.alpha, (0.25, 1.5, 0.5)),
        ("shifted", perturbed.alpha, (0.25, 2.0, 2.0)),
    ):
        coverage, coverage_weight, binary = weights
        loss = mask_loss(alpha, coverage=coverage, coverage_weight=coverage_weight, binary=binary)
        case.check(f"out_mask_loss_{name}", loss)
