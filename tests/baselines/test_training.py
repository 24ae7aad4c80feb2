"""PSeg training: the published schedule, reproducible, resumable, watched."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from l4f_bench.errors import InputError, TrainingError
from l4f_bench.registry import load_object
from l4f_bench.training.compute import Compute
from l4f_bench.training.identity import identity_of
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.jobs import TrainRequest
from l4f_bench.training.loop import LoopConfig, Watch, train
from l4f_bench_baselines.pseg.checkpoint import read_pseg
from l4f_bench_baselines.pseg.config import PSegConfig, at_resolution
from l4f_bench_baselines.pseg.entry import job
from l4f_bench_baselines.pseg.presets import PRESETS
from l4f_bench_baselines.pseg.schedule import Schedule
from l4f_bench_baselines.pseg.specs import METHOD, TRAINER
from l4f_bench_baselines.pseg.trainer import PSegTrainer
from tests.training.states import assert_same_state, flat

ROOT = Path(__file__).parents[2]
TINY = replace(PRESETS.get("debug").config, phase_images=8, final_images=8, crop=1.25, flips=True)


def trainer(config: PSegConfig = TINY) -> PSegTrainer:
    return PSegTrainer(config, ShapesImages(config.real_side, config.seed))


def unwatched(done: int, total: int) -> Callable[..., None]:
    return lambda images, figures: None


def run(
    folder: Path, num_steps: int, *, resume: bool = False, watch: Watch = unwatched
) -> PSegTrainer:
    subject = trainer()
    loop = LoopConfig(num_steps=num_steps, checkpoint_every=2, log_every=2, grid_every=100)
    train(
        subject, folder, loop, identity_of("pseg", subject), resume=resume,
        watch=watch, warn=lambda message: None,
    )  # fmt: skip
    return subject


def test_the_paper_preset_is_the_published_command() -> None:
    config = PRESETS.get("paper").config
    schedule = Schedule(config)
    assert config.resolution == 128
    assert (config.reach, config.coverage, config.contrast) == (0.125, 0.25, 0.3)
    assert (config.coverage_weight, config.binarisation) == (2.0, 2.0)
    assert (config.gradient_penalty, config.drift, config.style_mixing) == (10.0, 0.001, 0.9)
    assert (config.crop, config.real_side, config.flips) == (1.125, 144, False)
    found, step = [], 0
    while step < schedule.num_steps:
        stage = schedule.at(step)
        found.append((stage.resolution, stage.batch_size, stage.lr))
        step += -(-1_200_000 // stage.batch_size)
    assert found == [
        (8, 256, 0.001), (16, 128, 0.001), (32, 64, 0.001), (64, 32, 0.001),
        (128, 32, pytest.approx(0.0015)),
    ]  # fmt: skip


def test_resolutions_fade_in_over_one_phase_and_stay_for_another() -> None:
    schedule = Schedule(
        PRESETS.get("debug").config
    )  # 8 pixels in steps of 8, then 16 in steps of 4
    stages = [schedule.at(step) for step in range(schedule.num_steps)]
    assert len(stages) == 5 + 10 + 10
    assert [stage.resolution for stage in stages] == [8] * 5 + [16] * 20
    assert {stage.fade for stage in stages[:5]} == {1.0}
    assert [stage.fade for stage in stages[5:12]] == [0.05, 0.25, 0.45, 0.65, 0.85, 1.0, 1.0]
    assert [stage.first_image for stage in stages[3:7]] == [24, 32, 40, 44]
    assert schedule.at(10**6).fade == 1.0


def test_the_state_restored_in_any_phase_goes_on_to_bit_identical_weights() -> None:
    unbroken = trainer()
    for step in range(8):
        unbroken.step(step)
    assert unbroken.schedule.at(7).resolution == 16
    for stop in (1, 3, 6):  # before, while and after the larger resolution fades in
        first = trainer()
        for step in range(stop):
            first.step(step)
        torch.manual_seed(stop)  # whatever else used PyTorch's random state must not matter
        second = trainer()
        second.load_state_dict(first.state_dict())
        for step in range(stop, 8):
            second.step(step)
        assert_same_state(second.state_dict(), unbroken.state_dict())


def test_a_stopped_run_ends_with_the_same_log_and_export(tmp_path: Path) -> None:
    run(tmp_path / "whole", 6)
    run(tmp_path / "cut", 3)
    run(tmp_path / "cut", 6, resume=True)
    exports = [(tmp_path / name / "pseg.safetensors").read_bytes() for name in ("whole", "cut")]
    assert exports[0] == exports[1]
    log = (tmp_path / "whole" / "log.jsonl").read_text().splitlines()
    lines = [json.loads(line) for line in log]
    assert [line["images"] for line in lines] == [16, 24, 32]  # batches of 8, then of 4
    assert [line["resolution"] for line in lines] == [8, 16, 16]


def test_the_progress_counts_the_images_that_the_schedule_uses(tmp_path: Path) -> None:
    shown: list[int] = []

    def watch(done: int, total: int) -> Callable[..., None]:
        shown.extend((done, total))
        return lambda images, figures: shown.append(images)

    run(tmp_path, 3, watch=watch)
    run(tmp_path, 4, resume=True, watch=watch)  # two steps of 8 images, then steps of 4
    assert shown == [0, 20, 8, 16, 20, 20, 24, 24]


def test_a_step_moves_the_weights_in_use_and_no_others() -> None:
    subject = trainer()
    before = flat({k: v for k, v in subject.state_dict().items() if k in ("g", "d")})
    before = {key: value.clone() for key, value in before.items()}
    subject.step(0)
    after = flat(subject.state_dict())
    still = {key for key, value in before.items() if torch.equal(value, after[key])}
    learning = {key for key in still if not key.endswith((".weight", ".weight_flip"))}
    # 16 pixels wait for their phase, and so do the images of 4 and 16.
    assert all(
        any(part in key for part in ("progression.2", "to_rgb.", "to_out."))
        for key in learning
        if key.startswith("/g/")
    )
    assert not any("progression.1.conv2" in key for key in learning)
    assert {key for key in learning if key.startswith("/d/")} == {
        f"/d/{part}.{name}"
        for part in ("progression.0.conv1.0.conv", "progression.0.conv2.1.conv",
                     "from_rgb.0.0.conv", "from_rgb.2.0.conv")
        for name in ("bias", "weight_orig")
    }  # fmt: skip


def test_mapping_networks_learn_a_hundred_times_more_slowly() -> None:
    subject = trainer()
    before = {name: p.detach().clone() for name, p in subject.generator.named_parameters()}
    subject.step(0)
    moved = {
        name: float((p.detach() - before[name]).abs().max())
        for name, p in subject.generator.named_parameters()
    }
    fast = moved["generator_bg.generator.progression.0.conv1.input"]
    slow = moved["generator_bg.style.1.linear.weight_orig"]
    assert slow == pytest.approx(fast / 100, rel=0.01)  # Adam's first step is the learning rate


def test_style_mixing_gives_fine_levels_another_code() -> None:
    stage = trainer().schedule.at(4)
    always, never = (
        trainer(replace(TINY, style_mixing=share))._styles(4, stage) for share in (1.0, 0.0)
    )
    assert always.shape == (4, 2, 3, 16)
    assert torch.equal(never, never[:, :, :1].expand_as(never))
    assert torch.equal(always[:, :, 0], never[:, :, 0])
    assert (always[:, :, 0] != always[:, :, -1]).any(dim=-1).all()


def test_real_images_are_random_squares_at_the_size_of_the_stage() -> None:
    subject = trainer(replace(TINY, flips=False))
    small, large = (subject._real(step, subject.schedule.at(step)) for step in (0, 4))
    assert small.shape == (8, 3, 8, 8)
    assert large.shape == (4, 3, 16, 16)
    first = subject.schedule.at(4).first_image
    whole = torch.from_numpy(ShapesImages(20, 0).batch(range(first, first + 4))) / 127.5 - 1
    for image, square in zip(whole, large, strict=True):
        places = image.unfold(1, 16, 1).unfold(2, 16, 1)  # [3, 5, 5, 16, 16]
        assert (places == square[:, None, None]).all(dim=(0, 3, 4)).sum() == 1


def test_the_average_keeps_its_share() -> None:
    subject = trainer(replace(TINY, ema_decay=0.75))
    name = "generator_bg.generator.progression.0.conv1.input"
    old = subject.average.get_parameter(name).clone()
    with torch.no_grad():
        subject.generator.get_parameter(name).fill_(1.0)
    subject._average()
    torch.testing.assert_close(subject.average.get_parameter(name), 0.75 * old + 0.25)


@pytest.mark.parametrize(("coverage", "said"), [(0.99, "`reach`"), (0.01, "`contrast`")])
def test_a_collapse_is_stopped_with_advice(coverage: float, said: str) -> None:
    subject = trainer(replace(TINY, collapse_steps=5))
    figures = {"coverage": coverage}
    for _ in range(4):
        subject._watch(figures)
        subject.check(figures, last=False)
    subject._watch(figures)
    with pytest.raises(TrainingError, match=said):
        subject.check(figures, last=False)
    subject._watch({"coverage": 0.3})
    assert subject.collapsed_steps == 0


def test_the_grid_shows_four_kinds_of_eight_at_the_latest_resolution() -> None:
    subject = trainer()
    grid = subject.grid()
    assert list(grid) == ["composite", "alpha", "foreground", "background"]
    assert all(images.shape == (8, 3, 8, 8) for images in grid.values())
    for step in range(4):
        subject.step(step)
    assert all(images.shape == (8, 3, 16, 16) for images in subject.grid().values())


def test_the_export_is_the_average_at_the_level_it_reached(tmp_path: Path) -> None:
    subject = run(tmp_path / "run", 4)
    found = read_pseg(tmp_path / "run" / "pseg.safetensors")
    assert (found.level, found.resolution) == (2, 16)
    assert found.fade == subject.schedule.at(3).fade < 1
    state = found.generator.state_dict()
    assert all(torch.equal(state[k], v) for k, v in subject.average.state_dict().items())


def test_all_variants_train() -> None:
    for variant in ("one-generator", "shared-style"):
        subject = trainer(replace(TINY, variant=variant))
        figures = [subject.step(step) for step in range(4)]
        assert all(np.isfinite(list(f.values())).all() for f in figures)


@pytest.mark.parametrize("name", PRESETS.names())
def test_every_preset_has_another_size(name: str) -> None:
    assert at_resolution(PRESETS.get(name).config, 64).resolution == 64


def test_other_resolutions_lengthen_or_shorten_the_schedule() -> None:
    config = PRESETS.get("paper").config
    assert at_resolution(config, 32).batch_sizes == (256, 128, 64)
    larger = at_resolution(config, 256)
    assert (larger.channels[-1], larger.batch_sizes[-2:]) == (64, (32, 16))


@pytest.mark.parametrize(
    "change",
    [
        {"batch_sizes": (8, 8, 8, 8)}, {"batch_sizes": (1,)}, {"phase_images": 0}, {"lr": -1.0},
        {"reach": 1.5}, {"crop": 0.5}, {"variant": "two"}, {"channels": ()},
    ],
)  # fmt: skip
def test_bad_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(TINY, **change)


def test_impossible_sizes_and_compiled_code_are_refused() -> None:
    with pytest.raises(InputError, match="or 1024 pixels, not 48"):
        at_resolution(TINY, 48)
    with pytest.raises(InputError, match="--compile"):
        PSegTrainer(TINY, ShapesImages(20, 0), Compute(compiled=True))


def test_the_entry_points_of_the_package_build_what_is_asked_for() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = document["project"]["entry-points"]
    assert load_object(points["l4f_bench.trainers"]["pseg"], "the trainer") is TRAINER
    assert load_object(points["l4f_bench.methods"]["pseg"], "the method") is METHOD
    request = TrainRequest(
        method="pseg", preset="debug", settings=("seed=3",), device="cpu", num_steps=4
    )
    built = job(request, print)
    assert built.num_steps == 4
    assert built.identity["seed"] == 3
    assert built.trainer.images_after(2) == 16
    assert job(replace(request, num_steps=None), print).num_steps == 25


@pytest.mark.gpu
def test_a_step_on_a_gpu_is_close_to_that_on_a_cpu() -> None:
    there = PSegTrainer(TINY, ShapesImages(20, 0), Compute(device=torch.device("cuda")))
    for one, two in zip(trainer().step(0).items(), there.step(0).items(), strict=True):
        assert one == (two[0], pytest.approx(two[1], rel=1e-2, abs=1e-3))
