"""U-Net training: its loss, its augmentation, its shares of a batch, and its file in every use."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typer.testing import CliRunner, Result

from l4f_bench import distributed
from l4f_bench.annotators.parser_file import load_parser, load_unet_annotator
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.annotators.unet import UNet
from l4f_bench.cli import app
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.errors import MissingAssetError
from l4f_bench.students.loading import load_unet
from l4f_bench.training.augmentation import coloured, magnified
from l4f_bench.training.batch_statistics import SharedBatchNorm2d, share_statistics
from l4f_bench.training.labelled import LabelledShapes
from l4f_bench.training.unet import UNetTrainer, dice_loss, unet_loss
from l4f_bench.training.unet_config import PRESETS, UNetConfig
from tests.annotators.optional import torchvision_or_skip
from tests.training.states import assert_same_state

CPU = torch.device("cpu")
DEBUG = PRESETS.get("debug").config
PLAIN = replace(DEBUG, flips=False, zoom=1.0, brightness=0.0, contrast=0.0, saturation=0.0)


def trainer(config: UNetConfig = DEBUG, num_steps: int = 20) -> UNetTrainer:
    images = LabelledShapes(config.resolution, config.seed)
    return UNetTrainer(config, images, num_steps=num_steps)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_loss_is_torchs_entropy_and_what_dice_lacks() -> None:
    torch.manual_seed(0)
    outputs, target = torch.randn(3, 1, 5, 7), torch.randint(0, 2, (3, 5, 7))
    target[2] = 0
    probability, truth = outputs[:, 0].double().sigmoid(), target.double()
    dice = [
        1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1)
        for p, t in zip(probability.numpy(), truth.numpy(), strict=True)
    ]
    expected = float(F.binary_cross_entropy(probability, truth)) + np.mean(dice)
    assert float(unet_loss(outputs, target)) == pytest.approx(expected, rel=1e-5)


def test_dice_is_nothing_where_masks_agree_empty_ones_too() -> None:
    mask = torch.zeros(2, 4, 4)
    mask[0, :2] = 1
    assert float(dice_loss(mask, mask)) == 0
    assert float(dice_loss(1 - mask, mask)) == pytest.approx(1 - (1 / 17 + 1 / 17) / 2)


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


def test_without_augmentation_images_are_the_worlds() -> None:
    config = replace(PLAIN, side=64)
    images, target = trainer(config)._batch(3)
    pixels, masks = shapes_batch(range(24, 32), resolution=64, seed=0)
    torch.testing.assert_close(images, torch.from_numpy(pixels) / 255)
    assert np.array_equal(target, masks)


@pytest.mark.parametrize(
    ("change", "moves"),
    [({"zoom": 1.5}, True), ({"flips": True}, True), ({"contrast": 0.5}, False),
     ({"brightness": 0.5}, False), ({"saturation": 0.5}, False)],
)  # fmt: skip
def test_every_setting_changes_images_and_those_that_move_them_masks(
    change: dict[str, Any], moves: bool
) -> None:
    images, target = trainer(PLAIN)._batch(0)
    changed, moved = trainer(replace(PLAIN, **change))._batch(0)
    assert not torch.equal(images, changed)
    assert 0 <= float(changed.min()) <= float(changed.max()) <= 1
    assert torch.equal(target, moved) is not moves


def test_colours_change_as_by_torchvision() -> None:
    torchvision_or_skip()
    from torchvision.transforms import functional as tv

    images = torch.rand(3, 3, 8, 9, generator=torch.Generator().manual_seed(0))
    factors = torch.tensor([[0.6, 1.3, 1.0], [1.4, 0.7, 1.0], [0.5, 1.0, 1.5]])
    expected = images
    for factor, adjust in zip(
        factors, (tv.adjust_brightness, tv.adjust_contrast, tv.adjust_saturation), strict=True
    ):
        changed = [adjust(one, float(f)) for one, f in zip(expected, factor, strict=True)]
        expected = torch.stack(changed)
    torch.testing.assert_close(coloured(images, *factors), expected, rtol=1e-4, atol=1e-4)
    one = torch.ones(3)
    torch.testing.assert_close(coloured(images, one, one, one), images)


def test_a_part_is_magnified_with_its_mask() -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    target = (images[:, 0] > 0.5).long()
    corners = torch.tensor([[0.0, 0.0], [1.0, 0.0]])  # x, y: top left, top right
    part, classes = magnified(images, target, torch.full((2,), 2.0), corners)
    for index, columns in ((0, slice(0, 8)), (1, slice(8, 16))):
        crop, mask = images[index, None, :, :8, columns], target[index, None, None, :8, columns]
        expected = F.interpolate(crop, (16, 16), mode="bilinear", align_corners=False)[0]
        inner = slice(1, -1)  # at the crop's edges pixels beyond it count
        torch.testing.assert_close(part[index, :, inner, inner], expected[:, inner, inner])
        doubled = mask[0, 0].repeat_interleave(2, 0).repeat_interleave(2, 1)
        assert torch.equal(classes[index], doubled)
    whole, same = magnified(images, target, torch.ones(2), corners)
    torch.testing.assert_close(whole, images)
    assert torch.equal(same, target)


def test_processes_share_the_batch_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = trainer()
    whole = subject._batch(1)
    monkeypatch.setattr(distributed, "num_processes", lambda: 2)
    for rank in range(2):
        monkeypatch.setattr(distributed, "rank", lambda rank=rank: rank)
        for share, all_of_it in zip(subject._batch(1), whole, strict=True):
            torch.testing.assert_close(share, all_of_it[rank::2])


def test_shared_batch_normalisation_is_torchs_on_one_process() -> None:
    torch.manual_seed(0)
    usual = nn.BatchNorm2d(5)
    nn.init.normal_(usual.weight)
    shared = SharedBatchNorm2d(5)
    shared.load_state_dict(usual.state_dict())
    ends: list[tuple[Tensor, ...]] = []
    for layer in (usual, shared):
        x = torch.linspace(-2, 3, 4 * 5 * 3 * 3).view(4, 5, 3, 3).sin().requires_grad_()
        y = layer(x)
        (y**3).sum().backward()
        assert x.grad is not None
        ends.append((y.detach(), x.grad, layer.weight.grad, *layer.state_dict().values()))  # type: ignore[arg-type]
        layer.eval()
        ends[-1] += (layer(x.detach()).detach(),)
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-4)


def test_sharing_statistics_keeps_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    network = UNet(channels=1)
    alone = copy.deepcopy(network)
    share_statistics(alone)
    assert not any(isinstance(layer, SharedBatchNorm2d) for layer in alone.modules())
    keys = list(network.state_dict())
    monkeypatch.setattr("l4f_bench.training.batch_statistics.num_processes", lambda: 2)
    share_statistics(network)
    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 18
    assert all(isinstance(layer, SharedBatchNorm2d) for layer in norms)
    assert_same_state(network.state_dict(), alone.state_dict())
    assert list(network.state_dict()) == keys


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``train --method unet`` writes."""
    out = tmp_path_factory.mktemp("judge") / "run"
    changes = {"channels": 8, "batch_size": 16, "lr": 0.005, "zoom": 1, "contrast": 0}
    settings = [text for name, value in changes.items() for text in ("--set", f"{name}={value}")]
    train = ("train", "--method", "unet", "--preset", "debug", "--steps", 60, "--out", out)
    result = run(*train, *settings)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == str(out / "annotator.safetensors")
    return out / "annotator.safetensors"


def test_the_judge_has_learned(judge: Path) -> None:
    parser = load_parser(judge, CPU)
    assert (parser.classes, parser.side) == (("background", "object"), 32)
    images, masks = shapes_batch(range(50), resolution=64, seed=1 << 40)
    found = parser.annotate(torch.from_numpy(images)).mask.numpy()
    assert (found & masks).sum() / (found | masks).sum() > 0.5


@pytest.mark.parametrize(
    ("options", "weights", "method", "truth"),
    [
        (("images", "--method", "unet", "--limit", 4), "--weights", "unet", "exact"),
        (("images", "--method", "ours-bisenet", "--annotator", "unet", "--limit", 9),
         "--annotator-weights", "ours-bisenet", "unet"),
        (("trust", "--annotator", "unet", "--truth", "exact", "--subset", "accepted", "--limit", 9),
         "--annotator-weights", "unet", "exact"),
        (("samples", "--segmenter", "unet", "--truncation", 1, "--samples", 2),
         "--segmenter-weights", "unet", "bisenet"),
    ],
)  # fmt: skip
def test_the_judge_is_method_annotator_and_segmenter(
    options: tuple[object, ...], weights: str, method: str, truth: str, judge: Path, tmp_path: Path
) -> None:
    result = run("eval", *options, weights, judge, "--json", "--out", tmp_path)
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)["records"][0]
    assert (record["method"], record["truth"]) == (method, truth)
    assert 0 < record["scores"]["miou"]["value"] < 1


def test_a_student_is_a_method(tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run("train", "--method", "ours-unet", "--preset", "debug", "--steps", 2, "--out", out)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == str(out / "student.safetensors")
    weights = ("--weights", out / "student-best.safetensors", "--limit", 3)
    scored = run("eval", "images", "--method", "ours-unet", *weights, "--json", "--out", tmp_path)
    assert scored.exit_code == 0, scored.stderr
    (record,) = json.loads(scored.stdout)["records"]
    assert (record["method"], record["method_title"]) == ("ours-unet", "Ours (UNet)")
    other = run("eval", "images", "--method", "ours-bisenet", *weights, "--out", tmp_path / "other")
    assert other.exit_code == 2
    assert "not a BiSeNet" in other.stderr


def test_where_no_weights_are_embedded_a_file_is_asked_for() -> None:
    with pytest.raises(MissingAssetError, match="No U-Net is embedded for these images"):
        load_unet_annotator(None, CPU, RejectionRule(), ())
    with pytest.raises(MissingAssetError, match="No U-Net student of LSUN-Horse is embedded"):
        load_unet(None, dataset="horse")


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_commands_for_generators_refuse_the_file_by_its_keys(
    command: str, judge: Path, tmp_path: Path
) -> None:
    target = [tmp_path / "out.safetensors"] if command == "convert" else []
    result = run(command, judge, *target)
    assert result.exit_code == 2
    assert "neither a generator nor a discriminator nor an alpha network" in result.stderr
    assert result.stderr.count("\n") == 1
