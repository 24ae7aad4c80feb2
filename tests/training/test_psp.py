"""Training of encoders: from samples alone, with photographs, on one process or two."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.loading import TrainedGenerator
from l4f_bench.projection.codes import codes_of
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.seeds import normal
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.psp import PspTrainer
from l4f_bench.training.psp_config import PRESETS, PspConfig
from tests.launching import launch
from tests.networks import save_rosinality, small_generator
from tests.training.states import assert_same_state
from tests.training.test_distributed import assert_close, state_of

DEBUG = PRESETS.get("debug").config


def trainer(
    config: PspConfig = DEBUG, *, photographs: bool = False, num_steps: int = 20
) -> PspTrainer:
    network = small_generator()
    generator = TrainedGenerator(network, network.mean_latent(64), sha256="none")
    images = ShapesImages(32, 0) if photographs else None
    return PspTrainer(config, generator, images, num_steps=num_steps)


@torch.no_grad()
def errors_on_other_samples(subject: PspTrainer) -> tuple[dict[str, float], dict[str, float]]:
    """Errors of the encoder, and of the mean latent: an encoder that never looks."""
    generator, w_mean = subject.generator, subject.mean_latent
    codes = generator.w_plus(generator.mapping(normal((64, 8), seed=99, index=0)))
    images = generator.synthesis(codes)
    found = subject.encoder.eval()(images) + w_mean
    return tuple(
        {
            "latent": float((guess - codes).square().mean()),
            "pixel": float((generator.synthesis(guess) - images).square().mean()),
        }
        for guess in (found, w_mean.expand_as(codes))
    )  # type: ignore[return-value]


@pytest.mark.parametrize("photographs", [False, True])
def test_a_restored_state_goes_on_to_bit_identical_weights(photographs: bool) -> None:
    unbroken, first, second = (trainer(photographs=photographs) for _ in range(3))
    for step in range(4):
        unbroken.step(step)
    for step in range(2):
        first.step(step)
    first.grid()  # puts the network in eval mode, which must not last
    second.load_state_dict(first.state_dict())
    for step in range(2, 4):
        figures = second.step(step)
    assert_same_state(second.state_dict(), unbroken.state_dict())
    assert ("photo" in figures) == photographs


def test_it_learns_the_codes_of_samples_and_its_file_is_an_encoder(tmp_path: Path) -> None:
    subject = trainer(replace(DEBUG, batch_size=8, lr=0.01), num_steps=60)
    for step in range(60):
        subject.step(step)
    found, of_mean = errors_on_other_samples(subject)
    assert found["pixel"] < of_mean["pixel"] / 2
    assert found["latent"] < of_mean["latent"]
    (path,) = subject.export(tmp_path, 60)
    found = load_encoder(path)
    assert found.frame.height == found.frame.width == 32
    assert found.options["num_steps"] == 60
    images = torch.randint(0, 256, (1, 3, 32, 32), dtype=torch.uint8)
    with torch.no_grad():
        subject.encoder.eval()
        expected = subject.encoder(images / 127.5 - 1) + subject.mean_latent
        torch.testing.assert_close(codes_of(found, images), expected)


def test_settings_that_make_no_encoder_are_refused() -> None:
    for wrong in (
        {"widths": (8, 8, 8, 8)}, {"widths": (1, 2)}, {"blocks": (1, 1, 1)}, {"side": 48},
        {"encoder": "Encoder"}, {"lr": -1.0}, {"batch_size": 1},
    ):  # fmt: skip
        with pytest.raises(InputError):
            replace(DEBUG, **wrong)  # type: ignore[arg-type]


@pytest.mark.slow
def test_two_processes_train_the_weights_of_one(tmp_path: Path) -> None:
    generator = save_rosinality(tmp_path / "g.pt", small_generator())
    options = ["train", "--method", "psp", "--preset", "debug", "--steps", 6, "--every", 3]
    for count in (1, 2):
        result = launch(count, *options, "--generator", generator, "--out", tmp_path / str(count))
        assert result.returncode == 0, result.stderr
    assert_close(state_of(tmp_path / "1"), state_of(tmp_path / "2"))
