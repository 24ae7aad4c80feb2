"""Projection by optimisation: it nears its photograph, and its loss is what it is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.files.errors import CheckpointError
from l4f_bench.generators.architecture import DiscriminatorArchitecture
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.projection.frames import Frame
from l4f_bench.projection.losses import discriminator_loss, open_loss, structural_loss
from l4f_bench.projection.optimisation import (
    LatentSearch,
    OptimisationConfig,
    Precision,
    first_maps,
)
from l4f_bench.projection.placement import fitted
from l4f_bench.projection.projectors import OptimisationProjector
from l4f_bench.projection.schedule import LatentStatistics, normalise_noise
from tests.networks import save_rosinality, small_alpha, small_generator

CPU = torch.device("cpu")


def projector(space: str = "w+", top: float = 0.0, num_steps: int = 40) -> OptimisationProjector:
    config = OptimisationConfig(
        space=space,  # type: ignore[arg-type]
        losses=("mse",),
        num_steps=num_steps,
        num_latents=200,
    )
    frame = Frame(height=32 - 2 * round(32 * top), width=32, top=top)
    loss = open_loss(config.losses, None, CPU)
    return OptimisationProjector(small_generator(), small_alpha(), loss, config, frame=frame)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_a_sample_is_found_again(space: str) -> None:
    subject = projector(space, num_steps=60)
    z = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():  # without noise, which a search that begins with other maps cannot find
        painted = subject.generator.synthesis(subject.generator.mapping(z), noise="none")
        image = ((painted[0] + 1) * 127.5).clamp(0, 255).byte().numpy()
    found = subject.project(image, fitted((32, 32), (32, 32), "pad"))
    assert found.w_plus.shape == (8, 8)
    rows_agree = bool((found.w_plus == found.w_plus[:1]).all())
    assert rows_agree == (space == "w")
    assert [tuple(noise.shape) for noise in found.maps][:2] == [(1, 4, 4), (1, 8, 8)]
    error, error_of_mean = (
        np.square(p / 255 - image / 255).mean() for p in (found.picture, subject.mean_picture)
    )
    assert error < error_of_mean / 2
    again = subject.project(image, fitted((32, 32), (32, 32), "pad"))
    assert torch.equal(found.w_plus, again.w_plus)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_search_is_in_its_precision_whatever_the_tensors(precision: Precision) -> None:
    config = OptimisationConfig(precision=precision, num_steps=40, losses=("mse",))
    loss = open_loss(config.losses, None, CPU)
    found = []
    for dtype in (torch.float32, torch.float64):
        generator = small_generator().to(dtype)
        target = torch.linspace(-1, 1, 3 * 32 * 32, dtype=dtype).view(1, 3, 32, 32)
        maps = first_maps(generator, 1, seed=0)
        search = LatentSearch(
            generator, target, LatentStatistics.of(torch.eye(8)), loss, config, maps=maps
        )
        for step in range(3):
            search.step(step, torch.ones(1, 8, 8))
        assert generator.input.input.dtype == dtype
        found.append(search.latent.detach())
    assert found[0].dtype == config.dtype
    torch.testing.assert_close(found[0], found[1])


def test_bars_are_no_part_of_the_picture() -> None:
    found = projector(top=0.125, num_steps=2).project(
        np.zeros((3, 24, 32), np.uint8), fitted((24, 32), (24, 32), "pad")
    )
    assert found.picture.shape == (3, 24, 32)
    assert found.alpha is not None
    assert found.alpha.shape == (24, 32)


def test_noise_is_normalised_over_its_tensor() -> None:
    maps = [torch.randn(2, 1, 4, 4) * 3 + 1]
    normalise_noise(maps)
    assert float(maps[0].mean()) == pytest.approx(0, abs=1e-6)
    assert float(maps[0].std()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("side", [11, 32, 64, 256])
def test_structural_loss_has_as_many_scales_as_fit(side: int) -> None:
    images = torch.rand(1, 3, side, side) * 2 - 1
    assert float(structural_loss(images, images)) == pytest.approx(0, abs=1e-5)
    assert float(structural_loss(images, images.flip(3))) > 0.1


def test_discriminator_loss_tells_images_apart() -> None:
    torch.manual_seed(0)
    network = Discriminator(DiscriminatorArchitecture(size=16, channels=(8, 6, 5)))
    loss = discriminator_loss(network.requires_grad_(False))
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    assert float(loss(images, images).detach()) == 0
    loss(images, torch.rand(2, 3, 16, 16)).backward()  # type: ignore[no-untyped-call]
    assert images.grad is not None
    assert images.grad.abs().max() > 0


def test_a_loss_that_is_not_at_hand_is_no_other_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L4F_CACHE", str(tmp_path))
    with pytest.raises(MissingAssetError, match="l4f-bench fetch vgg16"):
        open_loss(("lpips",), None, CPU)
    (tmp_path / "weights").mkdir()
    torch.save({}, tmp_path / "weights" / "vgg16-397923af.pth")
    with pytest.raises(MissingAssetError, match="SHA-256"):
        open_loss(("lpips",), None, CPU)
    with pytest.raises(InputError, match="Did you mean 'ms-ssim'"):
        open_loss(("msssim",), None, CPU)
    for names in ((), ("mse", "mse")):
        with pytest.raises(InputError, match="each loss once"):
            open_loss(names, None, CPU)
    path = save_rosinality(tmp_path / "g.pt", small_generator())
    with pytest.raises(CheckpointError, match="holds no d"):
        open_loss(("discriminator",), path, CPU)
    assert open_loss(("mse", "ms-ssim"), None, CPU).name == "mse+ms-ssim"


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in (
        {"space": "z"},
        {"precision": "half"},
        {"num_steps": 0},
        {"lr": 0.0},
        {"noise_ramp": 0.0},
    ):
        with pytest.raises(InputError):
            OptimisationConfig(**wrong)  # type: ignore[arg-type]
