from __future__ import annotations

import json
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.errors import InputError, TrainingError
from l4f_bench.generators.architecture import DiscriminatorArchitecture
from l4f_bench.generators.checkpoints.reader import read_checkpoint
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import CONSTANT, FIRST_CONV
from l4f_bench.methods.labels4free.loading import load_alpha_network
from l4f_bench.seeds import MAX_SEED
from l4f_bench.training.jobs import TrainRequest, build_job
from l4f_bench.training.labels4free import Labels4FreeTrainer, identity_of
from l4f_bench.training.labels4free_config import PRESETS, Labels4FreeConfig
from l4f_bench.training.loop import LoopConfig, train
from tests.networks import save_rosinality, small_generator
from tests.training.small import LABELS4FREE, labels4free
from tests.training.states import assert_same_state


def paint(subject: Labels4FreeTrainer, num_images: int):
    return subject.painter(*subject._draw(range(num_images)))


def test_no_sample_of_an_evaluation_is_trained_on() -> None:
    subject = labels4free()
    trained = subject._draw(range(4))[0].z
    for seed in (0, MAX_SEED):
        evaluated = draw(subject.generator.architecture, range(4), seed=seed).z
        assert not torch.isclose(trained, evaluated).all(dim=1).any()
    with pytest.raises(InputError, match="--seed 4294967296"):
        replace(LABELS4FREE, seed=MAX_SEED + 1)


def run(
    folder: Path, num_steps: int, config: Labels4FreeConfig = LABELS4FREE, resume: bool = False
):
    subject = labels4free(config)
    loop = LoopConfig(num_steps=num_steps, checkpoint_every=2, log_every=3, grid_every=100)
    train(
        subject, folder, loop, identity_of(subject), resume=resume,
        watch=lambda done, total: lambda images, figures: None, warn=lambda message: None,
    )  # fmt: skip
    return subject


def log_of(folder: Path) -> list[dict[str, float]]:
    """The lines of a log without what depends on the clock."""
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "images_per_s"} for line in lines]


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a)


def test_only_the_alpha_network_and_the_discriminator_learn() -> None:
    subject = labels4free()
    before = {
        name: {key: value.clone() for key, value in network.state_dict().items()}
        for name, network in (
            ("g", subject.generator), ("a", subject.alpha), ("d", subject.discriminator),
        )
    }  # fmt: skip
    figures = subject.step(0)
    assert equal(before["g"], subject.generator.state_dict())
    assert not equal(before["a"], subject.alpha.state_dict())
    assert not equal(before["d"], subject.discriminator.state_dict())
    assert 0 < figures["coverage"] < 1
    assert 0 <= figures["binarisation"] <= 0.5


def test_gradients_of_a_painted_alpha_are_those_of_its_features() -> None:
    subject = labels4free()
    drawn, other = subject._draw(range(2))
    subject.painter(drawn, other).alpha.square().sum().backward()
    found = {name: weight.grad for name, weight in subject.alpha.named_parameters()}
    features: list[torch.Tensor] = []
    with torch.no_grad():
        w = subject.generator.mapping(drawn.z)  # the preset does not truncate
        subject.generator.synthesis(
            w, noise=drawn.noise, on_feature=lambda layer, feature: features.append(feature)
        )
    subject.alpha.zero_grad()
    subject.alpha(features[-subject.alpha.num_features :]).square().sum().backward()
    for name, weight in subject.alpha.named_parameters():
        torch.testing.assert_close(found[name], weight.grad, msg=name)
    assert all(weight.grad is None for weight in subject.generator.parameters())


def test_the_loss_is_the_weighted_sum_of_its_terms() -> None:
    config = replace(
        LABELS4FREE, adversarial=0.0, binarisation=2.0, foreground=3.0, foreground_phi=0.9,
        background=5.0, background_phi=0.8,
    )  # fmt: skip
    subject = labels4free(config)
    alpha = paint(subject, 4).alpha.detach()
    coverage = alpha.mean(dim=(1, 2, 3))
    expected = (
        2 * torch.minimum(alpha, 1 - alpha).mean()
        + 3 * (0.9 - coverage).clamp(min=0).mean()
        + 5 * (0.8 - (1 - coverage)).clamp(min=0).mean()
    )
    assert subject.step(0)["loss_alpha"] == pytest.approx(float(expected), abs=1e-5)


def test_background_latents_are_independent_or_shared() -> None:
    independent, shared = (
        paint(labels4free(replace(LABELS4FREE, background_latent=kind)), 2)  # type: ignore[arg-type]
        for kind in ("independent", "shared")
    )
    assert torch.equal(independent.foreground, shared.foreground)
    assert not torch.allclose(independent.background, shared.background)


def test_composites_follow_equation_1() -> None:
    batch = paint(labels4free(), 2)
    expected = batch.alpha * batch.foreground + (1 - batch.alpha) * batch.background
    assert torch.allclose(batch.composite, expected)


@pytest.mark.parametrize("first", [2, 3, 4])
def test_a_resumed_run_ends_with_the_same_weights_log_and_watch(tmp_path: Path, first: int) -> None:
    whole = run(tmp_path / "whole", 7)
    run(tmp_path / "cut", first)
    cut = run(tmp_path / "cut", 7, resume=True)
    assert_same_state(whole.state_dict(), cut.state_dict())
    assert log_of(tmp_path / "whole") == log_of(tmp_path / "cut")
    assert [line["step"] for line in log_of(tmp_path / "cut")] == [3, 6, 7]


@pytest.mark.parametrize("first", [4, 5, 6, 7])
def test_a_collapse_is_seen_at_the_same_step_after_a_resume(tmp_path: Path, first: int) -> None:
    """Nothing pulls alpha to 0 or 1: it is surer at the first line, then not for eight steps."""
    unsure = replace(LABELS4FREE, binarisation=0.0, lr=1e-6, collapse_steps=8)
    with pytest.raises(TrainingError, match="neither 0 nor 1") as unbroken:
        run(tmp_path / "whole", 20, unsure)
    run(tmp_path / "cut", first, unsure)
    with pytest.raises(TrainingError) as resumed:
        run(tmp_path / "cut", 20, unsure, resume=True)
    assert str(resumed.value) == str(unbroken.value)
    assert log_of(tmp_path / "whole") == log_of(tmp_path / "cut")
    assert [line["step"] for line in log_of(tmp_path / "cut")][-1] == 12


def test_the_export_holds_the_average_and_is_read_back(tmp_path: Path) -> None:
    subject = run(tmp_path / "run", 3)
    network = load_alpha_network(tmp_path / "run" / "alpha.safetensors")
    assert equal(subject.average.state_dict(), network.state_dict())
    live = load_alpha_network(tmp_path / "run" / "alpha.safetensors", which="alpha_train")
    assert equal(subject.alpha.state_dict(), live.state_dict())
    assert not equal(network.state_dict(), live.state_dict())


@pytest.mark.parametrize(
    ("coverage", "binarisation", "message"),
    [(0.99, 0.01, "E\\(M\\)"), (0.01, 0.01, "C\\(M\\)"), (0.5, 0.45, "B\\(M\\)")],
)
def test_a_collapse_is_stopped_with_advice(
    coverage: float, binarisation: float, message: str
) -> None:
    subject = labels4free()
    figures = {"coverage": coverage, "binarisation": binarisation}

    def go_on() -> None:
        for _ in range(2 * LABELS4FREE.collapse_steps):
            subject._watch(figures)
            subject.check(figures, last=False)

    with pytest.raises(TrainingError, match=message):
        go_on()
    assert max(subject.collapsed_steps, subject.unsure_steps) == LABELS4FREE.collapse_steps


@pytest.mark.parametrize("coverage", [0.02, 0.98])
def test_a_run_that_ends_with_masks_that_say_nothing_fails(coverage: float) -> None:
    subject, figures = labels4free(), {"coverage": coverage, "binarisation": 0.01}
    subject.check(figures, last=False)
    with pytest.raises(TrainingError, match="in another folder"):
        subject.check(figures, last=True)
    labels4free().check({"coverage": 0.3, "binarisation": 0.45}, last=True)


def test_masks_that_become_surer_are_given_time() -> None:
    subject, limit = labels4free(), LABELS4FREE.collapse_steps
    for unsure in (0.45, 0.42, 0.39, 0.36):
        for _ in range(limit - 1):
            subject._watch({"coverage": 0.5, "binarisation": unsure})
        subject.check({"coverage": 0.5, "binarisation": unsure}, last=False)
    for _ in range(limit):
        subject._watch({"coverage": 0.5, "binarisation": 0.359})
    with pytest.raises(TrainingError, match="neither 0 nor 1"):
        subject.check({"coverage": 0.5, "binarisation": 0.359}, last=False)


def test_one_good_step_starts_the_count_anew() -> None:
    subject = labels4free()
    for _ in range(99):
        subject._watch({"coverage": 0.99, "binarisation": 0.0})
    subject._watch({"coverage": 0.5, "binarisation": 0.0})
    assert subject.collapsed_steps == 0


def test_every_published_set_has_the_three_published_presets() -> None:
    published = product(("ffhq", "cat", "horse", "car"), ("paper", "released", "single-gpu"))
    names = {f"{dataset}/{key}" for dataset, key in published}
    assert set(PRESETS.names()) == names | {"shapes/shapes", "shapes/debug"}


@pytest.mark.parametrize(
    ("dataset", "name", "num_steps", "expected"),
    [
        ("ffhq", "paper", 1000, {"binarisation": 1.2, "truncation": 1.0}),
        ("horse", "paper", 500, {"binarisation": 3, "foreground": 3}),
        ("car", "paper", 250, {"foreground": 20, "truncation": 0.3, "lr": 2e-4}),
        ("ffhq", "released", 1201, {"binarisation": 1.2, "foreground": 1.2, "batch_size": 8}),
        ("cat", "released", 901, {"truncation": 0.5, "lr": 2e-4, "batch_size": 8}),
        ("horse", "released", 501, {"truncation": 1.0, "adversarial": 1.0, "batch_size": 8}),
        ("car", "released", 51, {"binarisation": 10, "lr": 2e-3, "adversarial": 1.0}),
        ("car", "released", 51, {"batch_size": 2, "truncation": 0.3}),
        ("cat", "single-gpu", 2001, {"background": 4, "background_phi": 0.35, "batch_size": 2}),
        ("car", "single-gpu", 751, {"background": 40, "lr": 8e-4, "adversarial": 0.1}),
    ],
)  # fmt: skip
def test_presets_hold_the_published_settings(
    dataset: str, name: str, num_steps: int, expected: dict[str, float]
) -> None:
    preset = PRESETS.get(f"{dataset}/{name}")
    config = preset.config
    assert preset.num_steps == num_steps
    assert {key: getattr(config, key) for key in expected} == expected
    assert (config.background_mode == "constant") == (dataset == "car")
    assert (config.background_latent == "independent") == (name == "paper")
    assert config.r1_step == ("merged" if name == "paper" else "separate")
    # The released commands say --reproduce_model, those for one GPU do not.
    assert (config.layout == "bg_extractor_repro") == (name == "released")


@pytest.mark.parametrize("name", ["ffhq/released", "cat/single-gpu"])
def test_a_step_in_the_released_way_moves_the_discriminator_otherwise(name: str) -> None:
    released = replace(LABELS4FREE, r1_step=PRESETS.get(name).config.r1_step)
    one, two = labels4free(LABELS4FREE), labels4free(released)
    for subject in (one, two):
        subject.step(0)
        subject.step(1)
    assert not equal(one.discriminator.state_dict(), two.discriminator.state_dict())
    (steps,) = {int(held["step"]) for held in two.discriminator_optimiser.state.values()}
    assert steps == 3  # the penalty has one of its own in the first of two


def test_bad_settings_are_refused() -> None:
    for change in (
        {"background": -1.0}, {"truncation": 1.5}, {"batch_size": 6}, {"r1_step": "apart"}
    ):  # fmt: skip
        with pytest.raises(InputError):
            replace(LABELS4FREE, **change)


def test_a_generator_too_small_for_the_levels_is_refused() -> None:
    with pytest.raises(InputError, match="3 resolutions to read, not 6"):
        labels4free(replace(LABELS4FREE, levels=6))


def test_a_pretrained_discriminator_is_started_from_or_missed() -> None:
    config = replace(LABELS4FREE, pretrained_discriminator=True)
    with pytest.raises(InputError, match="no discriminator"):
        labels4free(config)
    given = Discriminator(DiscriminatorArchitecture(size=32, channels=(5, 5, 5, 5)))
    subject = labels4free(config, discriminator=given)
    assert equal(given.state_dict(), subject.discriminator.state_dict())
    subject.step(0)
    assert not equal(given.state_dict(), subject.discriminator.state_dict())


def test_background_modes_are_those_of_the_generator() -> None:
    first, second = (
        paint(labels4free(replace(LABELS4FREE, background_mode=mode.name)), 2).background  # type: ignore[arg-type]
        for mode in (FIRST_CONV, CONSTANT)
    )
    assert not torch.allclose(first, second)


def test_the_command_trains_on_a_generator_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    arguments = ["train", "--method", "ours", "--preset", "debug", "--steps", "2"]
    out = ["--out", str(tmp_path / "run")]
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "cache"))
    horse = ["train", "--dataset", "horse", "--data", str(tmp_path)]
    missing = CliRunner().invoke(app, [*horse, *out])
    assert missing.exit_code == 3
    assert "l4f-bench fetch stylegan2-horse" in missing.stderr
    assert "--generator FILE" in missing.stderr
    arguments += ["--generator", str(generator), "--resolution", "32", "--set", "binarisation=0.5"]
    result = CliRunner().invoke(app, [*arguments, *out])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'run' / 'alpha.safetensors'}\n"
    config = json.loads((tmp_path / "run" / "config.json").read_text())["identity"]
    assert config["binarisation"] == 0.5
    other = CliRunner().invoke(app, ["train", "--method", "ours", "--dataset", "cat", *out])
    assert other.exit_code == 3
    assert "--data DIR" in other.stderr
    shared = CliRunner().invoke(app, [*arguments, "--background-latent", "share", *out])
    assert shared.exit_code == 2
    assert "Did you mean 'shared'?" in shared.stderr
    wrong = CliRunner().invoke(app, [*arguments, *out, "--set", "layout=bg_extracto"])
    assert wrong.exit_code == 2
    assert "Did you mean 'bg_extractor'?" in wrong.stderr


def test_the_file_and_the_run_state_no_steps_but_those_done(tmp_path: Path) -> None:
    generator = save_rosinality(tmp_path / "generator.pt", small_generator())
    train = ["train", "--preset", "debug", "--generator", str(generator), "--resolution", "32"]
    out = ["--out", str(tmp_path / "run")]
    for steps, more in (("2", []), ("3", ["--resume"])):
        result = CliRunner().invoke(app, [*train, "--steps", steps, *out, *more])
        assert result.exit_code == 0, result.output
    metadata = read_checkpoint(tmp_path / "run" / "alpha.safetensors").metadata
    assert metadata["num_steps"] == 3
    assert "num_steps" not in metadata["training"]
    identity = json.loads((tmp_path / "run" / "config.json").read_text())["identity"]
    assert "num_steps" not in identity


def test_the_steps_of_a_preset_are_done_unless_others_are_given() -> None:
    request = TrainRequest(method="ours", preset="debug", device="cpu")
    assert build_job(request, print).num_steps == 20
    assert build_job(replace(request, num_steps=7), print).num_steps == 7


def test_the_grid_shows_four_kinds_of_eight() -> None:
    grid = labels4free().grid()
    assert list(grid) == ["image", "alpha", "background", "composite"]
    assert all(images.shape == (8, 3, 32, 32) for images in grid.values())
