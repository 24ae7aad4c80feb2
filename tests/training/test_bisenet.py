"""BiSeNet training: it learns what exact masks say, reproducibly, and its file is used as it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.assets import embedded_path
from l4f_bench.cli import app
from l4f_bench.datasets.shapes import SHAPES, Tones, shapes_batch
from l4f_bench.errors import InputError
from l4f_bench.methods.labels4free.loading import load_labels4free
from l4f_bench.seeds import TRAINING
from l4f_bench.training.bisenet import BiSeNetTrainer
from l4f_bench.training.bisenet_config import PRESETS, BiSeNetConfig
from l4f_bench.training.jobs import TrainRequest, build_job
from l4f_bench.training.labelled import LabelledSamples, LabelledShapes
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.training.states import assert_same_state

CPU = torch.device("cpu")
DEBUG = PRESETS.get("debug").config


def trainer(config: BiSeNetConfig = DEBUG, num_steps: int = 20) -> BiSeNetTrainer:
    images = LabelledShapes(config.resolution, config.seed)
    return BiSeNetTrainer(config, images, num_steps=num_steps)


def test_a_restored_state_goes_on_to_bit_identical_weights() -> None:
    unbroken, first, second = trainer(), trainer(), trainer()
    for step in range(4):
        unbroken.step(step)
    for step in range(2):
        first.step(step)
    first.grid()  # puts the network in eval mode, which must not last
    second.load_state_dict(first.state_dict())
    for step in range(2, 4):
        second.step(step)
    assert_same_state(second.state_dict(), unbroken.state_dict())


def test_the_learning_rate_rises_and_falls_by_the_published_power() -> None:
    subject = trainer(replace(DEBUG, warmup_steps=10, lr=1.0), num_steps=100)
    rates = [subject._learning_rate(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert np.argmax(rates) == 9
    assert rates[50] == pytest.approx(0.5**0.9)
    assert subject._learning_rate(100) == 0


def test_masks_are_mirrored_with_their_images() -> None:
    subject = trainer(replace(DEBUG, batch_size=64, flips=True))
    plain = trainer(replace(DEBUG, batch_size=64, flips=False))
    images, target = subject._batch(0)
    still, still_target = plain._batch(0)
    mirrored = (images != still).flatten(1).any(dim=1)
    assert 16 < int(mirrored.sum()) < 48
    assert torch.equal(images[mirrored], still[mirrored].flip(3))
    assert torch.equal(target[mirrored], still_target[mirrored].flip(2))
    assert torch.equal(target[~mirrored], still_target[~mirrored])


def test_it_learns_and_its_file_is_an_annotator(tmp_path: Path) -> None:
    # Strong colours on pale ones: what shapes are takes longer to learn.
    easy = replace(SHAPES, object_tones=Tones(saturation=(0.8, 1.0), value=(0.8, 1.0)))
    config = replace(DEBUG, batch_size=16)
    labelled = LabelledShapes(config.resolution, config.seed, world=easy)
    subject = BiSeNetTrainer(config, labelled, num_steps=60)
    for step in range(60):
        subject.step(step)
    path, _ = subject.export(tmp_path, 60)
    parser = load_parser(path, CPU)
    assert parser.classes == ("background", "object")
    assert parser.side == 64
    images, masks = shapes_batch(range(50), resolution=64, seed=1 << 40, world=easy)
    found = parser.annotate(torch.from_numpy(images)).mask.numpy()
    iou = (found & masks).sum() / (found | masks).sum()
    assert iou > 0.7


def test_a_smallest_share_rejects_by_area(tmp_path: Path) -> None:
    subject = trainer()
    path, _ = subject.export(tmp_path, 60)
    images = torch.from_numpy(shapes_batch(range(4), resolution=64, seed=1)[0])
    shares = load_parser(path, CPU).annotate(images).mask.flatten(1).float().mean(dim=1)
    limit = float(shares.median()) + 1e-6
    reasons = load_parser(path, CPU, min_area=limit).annotate(images).reason
    expected = [None if s >= limit else ("too-small" if s else "no-instance") for s in shares]
    assert list(reasons) == expected
    assert any(reasons)


@pytest.mark.parametrize("change", [{"side": 40}, {"lr": -1.0}, {"width": 0.0}])
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        replace(DEBUG, **change)


def test_the_command_trains_an_annotator(tmp_path: Path) -> None:
    arguments = ["train", "--method", "bisenet", "--preset", "debug", "--steps", "2"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    last, best = result.stdout.splitlines()
    assert last == str(tmp_path / "run" / "annotator.safetensors")
    assert best == str(tmp_path / "run" / "annotator-best.safetensors")
    real = ["eval", "--on", "real", "--method", "bisenet", "--samples", "3"]
    weights = ["--weights", best, "--out", str(tmp_path / "real")]
    scored = CliRunner().invoke(app, [*real, *weights])
    assert scored.exit_code == 0, scored.output
    refused = CliRunner().invoke(app, [*arguments, "--dataset", "ffhq"])
    assert refused.exit_code == 2
    assert "only shapes has" in refused.stderr


def test_a_student_learns_the_masks_that_the_method_gives(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app,
        ["train", "--method", "ours-bisenet", "--preset", "debug", "--steps", "2",
         "--out", str(tmp_path / "run")],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    names = ("student.safetensors", "student-best.safetensors")
    assert result.stdout == "".join(f"{tmp_path / 'run' / name}\n" for name in names)
    method, _ = load_labels4free(
        embedded_path("shapes-generator"), embedded_path("shapes-alpha"), background="first-conv"
    )
    samples = method.sample([5, 6], truncation=1.0, seed=TRAINING + 3)
    of_eval = method.sample([5, 6], truncation=1.0, seed=3)
    assert not torch.equal(samples.image, of_eval.image)
    images, classes = LabelledSamples(method, threshold=0.5, seed=3, digest="").batch([5, 6])
    assert (images == samples.image.numpy()).all()
    assert (classes == (samples.alpha[:, 0] > 0.5).numpy()).all()
    assert 0.05 < classes.mean() < 0.6


def test_a_student_has_the_size_of_the_samples(tmp_path: Path) -> None:
    train = ["train", "--method", "ours-bisenet", "--preset", "debug", "--steps", "1"]
    out = ["--out", str(tmp_path / "run")]
    for asked in (["--resolution", "32"], ["--set", "resolution=32"]):
        refused = CliRunner().invoke(app, [*train, *out, *asked])
        assert refused.exit_code == 2
        assert "The samples have 64 pixels, not 32." in refused.stderr
        assert refused.stderr.count("\n") == 1
    generator = small_generator(32, (8, 6, 5, 4))
    request = TrainRequest(
        method="ours-bisenet",
        preset="debug",
        device="cpu",
        generator=save_rosinality(tmp_path / "generator.pt", generator),
        alpha=save_labels4free(tmp_path / "alpha.pt", small_alpha((5, 4))),
    )
    assert build_job(request, print).identity["resolution"] == 32
