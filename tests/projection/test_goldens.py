"""Encoders and projection give the numbers that the public implementations gave."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.projection.encoders import Encoder, Encoder4Editing, GradualStyleEncoder
from l4f_bench.projection.losses import open_loss
from l4f_bench.projection.optimisation import LatentSearch, OptimisationConfig
from l4f_bench.projection.schedule import (
    LatentStatistics,
    latent_noise,
    learning_rate,
    noise_regulariser,
)
from tests.goldens import GoldenCase, filled, golden_case


def taps_of(encoder: Encoder, images: Tensor) -> dict[str, Tensor]:
    """Outputs of the layers that the case records, by their names there."""
    found: dict[str, Tensor] = {}
    layers = {"out_input_layer": encoder.input_layer}
    layers |= {f"out_body{index}": encoder.body[index] for index in (2, 6, 20, 23)}
    for name, layer in layers.items():

        def keep(_: Any, __: Any, output: Tensor, name: str = name) -> None:
            found[name] = output

        layer.register_forward_hook(keep)
    found["out_codes"] = encoder(images)
    return found


def images_of(case: GoldenCase) -> Tensor:
    return case.tensor("in_images").float() / 127.5 - 1


@pytest.mark.slow
@torch.no_grad()
def test_psp_encoder() -> None:
    case = golden_case("psp_encoder")
    encoder = GradualStyleEncoder.from_state_dict(case.state_dict())
    assert list(encoder.state_dict()) == list(case.state_dict())
    assert encoder.architecture.num_styles == case.meta["constructor"]["n_styles"]
    for name, full in taps_of(encoder, images_of(case)).items():
        case.check(name, full)
        if f"{name}_stats" in case.meta["outputs"]:
            stats = torch.stack([full.mean(), full.std(unbiased=False), full.min(), full.max()])
            case.check(f"{name}_stats", stats)


@pytest.mark.slow
@torch.no_grad()
def test_e4e_encoder() -> None:
    case = golden_case("e4e_encoder")
    encoder = Encoder4Editing.from_state_dict(case.state_dict())
    assert list(encoder.state_dict()) == list(case.state_dict())
    assert encoder.architecture.generator_size == case.meta["constructor"]["stylegan_size"]
    images = images_of(case)
    codes = encoder(images)
    case.check("out_codes", codes)
    case.check("out_latents", codes + case.tensor("in_latent_avg"))
    for stage in (0, 4):
        case.check(f"out_codes_stage{stage}", encoder(images, stage=stage))
    assert torch.equal(encoder(images, stage=18), codes)


@pytest.mark.slow
def test_projection_by_optimisation() -> None:
    """From float32 tensors; the search itself is in float64, as the case was recorded."""
    case = golden_case("projector_g32")
    said = case.meta["constructor"]
    steps = torch.arange(101) / 100
    case.check(
        "out_lr_schedule", torch.tensor([learning_rate(float(t), said["lr"]) for t in steps])
    )
    case.check(
        "out_noise_schedule",
        torch.tensor([latent_noise(float(t), said["noise_ramp"]) for t in steps]),
    )
    state = golden_case("stylegan2_g32").state_dict()
    generator = Generator.from_state_dict(state)
    with torch.no_grad():
        statistics = LatentStatistics.of(generator.mapping(case.tensor("in_z")))
    case.check("out_w_mean", statistics.mean)
    case.check("out_w_std", statistics.std)
    targets = case.tensor("in_target")
    maps = [
        filled(
            f"projector_g32.noise_{layer}",
            (len(targets), 1, *[generator.layer_resolution(layer)] * 2),
        )
        for layer in range(generator.architecture.num_layers)
    ]
    case.check("out_reg0", noise_regulariser(maps))
    config = OptimisationConfig(
        num_steps=said["steps"],
        lr=said["lr"],
        noise=said["noise"],
        noise_ramp=said["noise_ramp"],
        noise_weight=said["noise_regularize"],
        losses=("mse",),
    )
    loss = open_loss(config.losses, None, torch.device("cpu"))
    search = LatentSearch(generator, targets, statistics, loss, config, maps=maps)
    figures = []
    for step, draw in enumerate(case.tensor("in_latent_noise")):
        wide = draw.repeat(1, 1, 8).expand(-1, generator.architecture.num_latents, -1)
        found = search.step(step, wide)
        figures.append([found.lr, found.noise, found.regulariser, found.loss])
    case.check("out_record", torch.tensor(figures))
    case.check("out_latent", search.latent)
    for layer in (0, 6):
        case.check(f"out_noise_{layer}", search.maps[layer])
