"""StyleGAN2 training: reproducible, resumable, and it moves the right weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.errors import InputError
from l4f_bench.files.errors import CheckpointError
from l4f_bench.generators.checkpoints.loading import load_generator
from l4f_bench.generators.checkpoints.selection import select_network
from l4f_bench.seeds import normal
from l4f_bench.training import stylegan2 as module
from l4f_bench.training.adversarial import real_batch
from l4f_bench.training.checkpoints import load_newest
from l4f_bench.training.gan_config import PRESETS, at_resolution
from l4f_bench.training.identity import identity_of
from l4f_bench.training.images import open_images
from l4f_bench.training.labels4free import load_frozen
from l4f_bench.training.loop import LoopConfig, train
from l4f_bench.training.stylegan2 import StyleGan2Trainer
from tests.training.small import STYLEGAN2, stylegan2
from tests.training.states import assert_same_state, flat

RUNNER = CliRunner()


def test_the_state_restored_at_any_step_goes_on_to_bit_identical_weights() -> None:
    unbroken = stylegan2()
    for step in range(8):
        unbroken.step(step)
    for stop in (1, 3, 6):
        first = stylegan2()
        for step in range(stop):
            first.step(step)
        torch.manual_seed(stop)  # whatever else used PyTorch's random state must not matter
        second = stylegan2()
        second.load_state_dict(first.state_dict())
        for step in range(stop, 8):
            second.step(step)
        assert_same_state(second.state_dict(), unbroken.state_dict())


def test_a_checkpoint_that_also_holds_its_settings_is_gone_on_with() -> None:
    first, second = stylegan2(), stylegan2(replace(STYLEGAN2, seed=1))
    first.step(0)
    second.load_state_dict({"config": {"lr": 0.0}, **first.state_dict()})
    assert_same_state(second.state_dict(), first.state_dict())


def test_building_a_trainer_leaves_the_random_state_alone() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    stylegan2().step(0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_step_moves_all_weights_that_can_move() -> None:
    one = stylegan2()
    before = {
        key: value.clone()
        for key, value in flat(one.state_dict()).items()
        if key[1] in "gd" and isinstance(value, torch.Tensor)
    }
    one.step(0)
    after = flat(one.state_dict())
    still = [
        key
        for key, value in before.items()
        if torch.equal(value, after[key]) and "kernel" not in key and "noises" not in key
    ]
    assert still == []


def test_the_average_has_the_stated_half_life() -> None:
    one = stylegan2(replace(STYLEGAN2, ema_kimg=0.008, ema_rampup=1e9))  # two steps of four images
    old = one.average.input.input.clone()
    with torch.no_grad():
        one.generator.input.input.fill_(1.0)
    one._average(0)
    one._average(1)
    torch.testing.assert_close(one.average.input.input, (old + 1) / 2)


def test_the_gradient_penalty_is_that_of_finite_differences() -> None:
    """R1 is the squared gradient of each score with respect to its own image."""
    one = stylegan2()
    network = one.discriminator.double()
    real = real_batch(one.images, 0, STYLEGAN2).double().requires_grad_()
    (gradient,) = torch.autograd.grad(network(real).sum(), real)
    direction = torch.randn(real.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        step = 1e-6 * direction
        slope = (network(real + step) - network(real - step)).sum() / 2e-6
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-5, atol=1e-7)


def test_the_path_length_penalty_follows_its_own_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gradient is that of finite differences, which also move the running mean."""
    monkeypatch.setattr(module, "normal", lambda *a, **k: normal(*a, **k).double())
    one = stylegan2()
    one.generator.double()
    weight = one.generator.convs[0].conv.weight

    def penalty(change: torch.Tensor | float) -> torch.Tensor:
        one.mean_path_length = torch.tensor(0.9, dtype=torch.float64)
        with torch.no_grad():
            weight.add_(change)
        return one._path_length_penalty(0)

    (gradient,) = torch.autograd.grad(penalty(0.0), weight)
    step = 1e-5 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)).double()
    slope = (penalty(step) - penalty(-2 * step)) / 2
    torch.testing.assert_close((gradient * step).sum(), slope.detach(), rtol=1e-6, atol=0)


def test_style_mixing_gives_fine_layers_another_latent() -> None:
    always, never = (
        subject.painter(*subject._latents(0))[1]
        for subject in (stylegan2(replace(STYLEGAN2, style_mixing=share)) for share in (1.0, 0.0))
    )
    assert (never == never[:, :1]).all()
    torch.testing.assert_close(always[:, 0], never[:, 0])
    assert (always[:, 0] != always[:, -1]).any(dim=1).all()


def test_half_of_the_real_images_are_mirrored() -> None:
    images = stylegan2().images
    flipped, plain = (
        real_batch(images, 0, replace(STYLEGAN2, batch_size=400, flips=flips))
        for flips in (True, False)
    )
    same = (flipped == plain).flatten(1).all(dim=1)
    mirrored = (flipped == plain.flip(3)).flatten(1).all(dim=1)
    assert (same | mirrored).all()
    assert 150 < int(mirrored.sum()) < 250
    assert -1 <= plain.min() < plain.max() <= 1


def test_other_resolutions_get_their_widths_and_penalty() -> None:
    config = PRESETS.get("shapes").config
    larger = at_resolution(config, 128)
    assert larger.channels == (192, 128, 64, 32, 16, 16)
    assert larger.r1 == config.r1 * 4
    assert at_resolution(config, 16).channels == (192, 128, 64)


@pytest.mark.parametrize(
    "change", [{"batch_size": 6}, {"lr": -1.0}, {"r1": float("nan")}, {"style_mixing": 1.5}]
)
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(STYLEGAN2, **change)


def test_images_that_disappear_end_the_run_with_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(40):
        Image.new("RGB", (8, 8), (6 * number, 0, 0)).save(folder / f"{number}.png")
    images = open_images(folder, 8, 0, warn=lambda message: None, memory_bytes=0)
    subject = StyleGan2Trainer(STYLEGAN2, images)

    def watch(done: int, total: int) -> Callable[..., None]:
        return lambda images, figures: shutil.rmtree(folder, ignore_errors=True)

    with pytest.raises(InputError, match=r"\d\.png is gone or was changed"):
        train(
            subject, tmp_path / "run", LoopConfig(num_steps=30), identity_of("stylegan2", subject),
            resume=False, watch=watch, warn=lambda message: None,
        )  # fmt: skip
    assert not list((tmp_path / "run").glob("*.safetensors"))


def run_command(*arguments: str) -> Any:
    return RUNNER.invoke(app, ["train", "--method", "stylegan2", "--preset", "debug", *arguments])


def test_the_command_trains_and_exports_a_generator_that_loads(tmp_path: Path) -> None:
    result = run_command("--out", str(tmp_path / "run"), "--steps", "3")
    assert result.exit_code == 0, result.output
    path = tmp_path / "run/generator.safetensors"
    both = tmp_path / "run/generator-and-discriminator.safetensors"
    assert result.stdout == f"{path}\n{both}\n"
    assert load_frozen(both, with_discriminator=True).discriminator is not None
    with pytest.raises(CheckpointError, match="holds no d"):
        load_frozen(path, with_discriminator=True)
    saved = load_newest(tmp_path / "run/checkpoints")
    assert saved is not None
    exported, average = load_generator(path).state_dict(), saved.state["g_ema"]
    assert_same_state(exported, average)
    latent = select_network(path, "g_ema").latent_average
    assert latent is not None
    torch.testing.assert_close(latent, load_generator(path).mean_latent(10_000, 0)[0])
    refused = run_command("--out", str(tmp_path / "run"), "--resume", "--set", "lr=0.1")
    assert refused.exit_code == 2
    assert "lr was 0.0025, is 0.1" in refused.stderr


def test_a_learning_rate_that_explodes_exits_with_1_and_advice(tmp_path: Path) -> None:
    result = run_command("--out", str(tmp_path / "run"), "--set", "lr=1e30")
    assert result.exit_code == 1
    assert "not a number" in result.stderr
    assert "lower lr" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "paper"), "Unknown preset of stylegan2 for shapes 'paper'"),
        (("--preset", "shape"), "Did you mean 'shapes'?"),
        (("--method", "psge"), "Unknown trainer 'psge'"),
        (("--dataset", "cats"), "'cats'. Did you mean 'cat'?"),
        (("--set", "batch_size=5"), "groups of 4"),
        (("--set", "bach_size=8"), "Did you mean 'batch_size'?"),
        (("--set", "batch_size"), "Write NAME=VALUE"),
        (("--set", "batch_size=x"), "'x' is not a whole number"),
        (("--resolution", "20"), "pixels, not 20."),
        (("--steps", "0"), "--steps 0"),
        (("--device", "gpu"), "device 'gpu'"),
        (("--device", "cuda:99"), "device 'cuda:99'"),
    ],
)
def test_wrong_options_are_one_line_with_exit_code_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = run_command("--out", str(tmp_path / "run"), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_process_killed_while_training_resumes_to_the_same_weights_and_log(
    tmp_path: Path,
) -> None:
    def command(folder: Path, *more: str) -> list[str]:
        options = ["--method", "stylegan2", "--preset", "debug", "--steps", "60", "--every", "7"]
        options += ["--out", str(folder)]
        return [sys.executable, "-m", "l4f_bench", "train", *options, *more]

    subprocess.run(command(tmp_path / "whole"), check=True)
    for number, kind in enumerate((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)):
        process = subprocess.Popen(command(tmp_path / "cut", *(["--resume"] if number else [])))
        wanted = 8 + 14 * number
        while not list((tmp_path / "cut").glob(f"checkpoints/step-*{wanted // 7 * 7:03d}.ckpt")):
            assert process.poll() is None
            time.sleep(0.005)
        os.kill(process.pid, kind)
        code = process.wait()
        assert code == (128 + kind if kind == signal.SIGTERM else -kind)
    subprocess.run(command(tmp_path / "cut", "--resume"), check=True)
    states = [load_newest(tmp_path / name / "checkpoints") for name in ("whole", "cut")]
    assert states[0] is not None
    assert states[1] is not None
    assert states[0].progress.step == states[1].progress.step == 60
    assert_same_state(states[0].state, states[1].state)
    exports = [
        (tmp_path / name / "generator.safetensors").read_bytes() for name in ("whole", "cut")
    ]
    assert exports[0] == exports[1]
    logs = [(tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("whole", "cut")]
    for one, two in zip(*([json.loads(line) for line in log] for log in logs), strict=True):
        assert one | {"images_per_s": 0} == two | {"images_per_s": 0}
