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
from l4f_bench.projection.optimisation import OptimisationConfig
from l4f_bench.projection.placement import fitted
from l4f_bench.projection.projectors import OptimisationProjector
from l4f_bench.projection.schedule import normalise_noise
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
    subject = projector(space)
    w = torch.randn(1, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        image = ((subject.generator.synthesis(w)[0] + 1) * 127.5).clamp(0, 255).byte().numpy()
    found = subject.project(image, fitted((32, 32), (32, 32), "pad"))
    assert found.w_plus.shape == (8, 8)
    rows_agree = bool((found.w_plus == found.w_plus[:1]).all())
    assert rows_agree == (space == "w")
    assert [tuple(noise.shape) for noise in found.maps][:2] == [(1, 4, 4), (1, 8, 8)]
    errors = [
        np.square(p / 255 - image / 255).mean() for p in (found.picture, subject.mean_picture)
    ]
    assert errors[0] < 0.9 * errors[1]
    again = subject.project(image, fitted((32, 32), (32, 32), "pad"))
    assert torch.equal(found.w_plus, again.w_plus)


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
    for wrong in ({"space": "z"}, {"num_steps": 0}, {"lr": 0.0}, {"noise_ramp": 0.0}):
        with pytest.raises(InputError):
            OptimisationConfig(**wrong)  # type: ignore[arg-type]
