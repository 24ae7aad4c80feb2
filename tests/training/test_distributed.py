"""The same global batch on one process and on two, through torchrun as a user starts it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.distributed import DistNetworkError

from l4f_bench import distributed
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.errors import BenchError
from l4f_bench.training.checkpoints import load_newest
from tests.launching import launch, launch_module
from tests.networks import save_rosinality, small_generator
from tests.training.states import flat


def state_of(folder: Path) -> dict[str, Any]:
    saved = load_newest(folder / "checkpoints")
    assert saved is not None
    return flat(saved.state)


def assert_close(one: dict[str, Any], two: dict[str, Any]) -> None:
    assert one.keys() == two.keys()
    for key, value in one.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(
                value, two[key], rtol=2e-3, atol=2e-4, msg=lambda m, k=key: f"{k}: {m}"
            )


def test_one_process_is_the_whole_run() -> None:
    assert distributed.num_processes() == 1
    assert distributed.is_first()
    assert list(distributed.shard(range(5))) == [0, 1, 2, 3, 4]
    assert distributed.gathered("x") == ["x"]
    network = torch.nn.Linear(1, 1)
    assert distributed.data_parallel(network) is network


def test_a_lost_process_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    place = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}
    for name, value in {**place, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(distributed, "_join", lambda *_: None)
    monkeypatch.setattr("torch.distributed.destroy_process_group", lambda: None)
    for lost in (RuntimeError("[gloo/transport] closed by peer"), DistNetworkError("gone")):
        with pytest.raises(BenchError, match="lost contact"), distributed.processes("cpu"):
            raise lost
    with pytest.raises(RuntimeError, match="of our own"), distributed.processes("cpu"):
        raise RuntimeError("a mistake of our own")


class Elsewhere(torch.Tensor):
    """Stands for a tensor on a GPU."""

    def cpu(self) -> torch.Tensor:  # type: ignore[override]
        return torch.from_numpy(self.numpy())


def test_what_the_first_process_hands_on_names_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 0)
    monkeypatch.setattr(
        "torch.distributed.broadcast_object_list", lambda values, src: sent.extend(values)
    )
    tensor = torch.arange(3.0)
    state = {"g": {"weight": tensor.as_subclass(Elsewhere)}, "watch": [1, 2], "lr": 0.1}
    state["optimiser"] = {"state": {0: {"step": tensor.as_subclass(Elsewhere)}}, "betas": (0, 1)}
    distributed.from_first((7, state))
    ((step, found),) = sent
    tensors = [found["g"].pop("weight"), found["optimiser"]["state"][0].pop("step")]
    assert all(type(part) is torch.Tensor and torch.equal(part, tensor) for part in tensors)
    assert step == 7
    assert found == {
        "g": {}, "watch": [1, 2], "lr": 0.1, "optimiser": {"state": {0: {}}, "betas": (0, 1)}
    }  # fmt: skip


@pytest.mark.gpu
def test_a_state_on_a_gpu_moves_to_the_cpu() -> None:
    state = {"g": torch.arange(3.0, device="cuda"), "parts": [torch.ones(2, device="cuda")]}
    found = distributed.on_cpu(state)
    assert torch.equal(found["g"], torch.arange(3.0))
    assert torch.equal(found["parts"][0], torch.ones(2))


def drawn_pairs(folder: Path) -> Path:
    """The shapes world on disk."""
    images, masks = shapes_batch(range(20), resolution=64, seed=0)
    for name, arrays in (("images", images.transpose(0, 2, 3, 1)), ("masks", masks)):
        (folder / name).mkdir(parents=True)
        for index, array in enumerate(arrays):
            pixels = array.astype(np.uint8) * (255 if name == "masks" else 1)
            Image.fromarray(pixels).save(folder / name / f"{index}.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("method", ["stylegan2", "ours", "unet", "ours-bisenet"])
def test_two_processes_train_the_weights_of_one(method: str, tmp_path: Path) -> None:
    options: list[object] = ["train", "--method", method, "--preset", "debug", "--steps", 6]
    options += ["--every", 3]
    if method == "ours":
        options += ["--generator", save_rosinality(tmp_path / "g.pt", small_generator())]
        options += ["--resolution", 32]
    elif method == "stylegan2":
        options += ["--set", "path_length=2"]
    elif method == "ours-bisenet":
        options += ["--pairs", drawn_pairs(tmp_path / "pairs"), "--set", "lr=1e-4"]
    else:  # AdamW's first steps go as far for a gradient that is all rounding as for any other
        options += ["--set", "lr=1e-4"]
    for count in (1, 2):
        result = launch(count, *options, "--out", tmp_path / str(count))
        assert result.returncode == 0, result.stderr
        lines = result.stdout.splitlines()
        assert len(lines) == len(set(lines)) > 0  # the first process alone speaks
    if method not in (
        "unet",
        "ours-bisenet",
    ):  # whose gradients the next test compares, as its kinks let these differ
        assert_close(state_of(tmp_path / "1"), state_of(tmp_path / "2"))
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("1", "2")]
    losses = [[json.loads(line) for line in log.splitlines()] for log in logs]
    for one, two in zip(*losses, strict=True):
        for key in one.keys() - {"images_per_s"}:
            few_pixels = 5e-3 if key.startswith("val_") else 1e-4  # that rounding decides
            assert one[key] == pytest.approx(two[key], rel=1e-3, abs=few_pixels), key


@pytest.mark.slow
@pytest.mark.parametrize("method", ["unet", "bisenet"])
def test_two_processes_have_the_gradients_and_statistics_of_one(
    method: str, tmp_path: Path
) -> None:
    for count in (1, 2):
        launch_module(count, "tests.training.shared_step", method, tmp_path / f"{count}.pt")
    one, two = (torch.load(tmp_path / f"{count}.pt") for count in (1, 2))
    assert any("running_var" in key for key in one)
    for key, value in one.items():
        rounding = 3e-4 * float(value.abs().max())  # small entries are sums of large numbers
        torch.testing.assert_close(
            two[key], value, rtol=1e-3, atol=rounding, msg=lambda m, k=key: k + m
        )


@pytest.mark.slow
@pytest.mark.parametrize(("method", "size"), [("stylegan2", 12), ("unet", 7)])
def test_a_batch_that_cannot_be_shared_is_refused(method: str, size: int, tmp_path: Path) -> None:
    result = launch(
        2, "train", "--method", method, "--preset", "debug", "--set", f"batch_size={size}",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 1  # torchrun's own
    assert f"A batch of {size} does not divide among 2 processes" in result.stderr


@pytest.mark.slow
def test_a_share_below_a_group_is_trained_on_with_a_warning(tmp_path: Path) -> None:
    result = launch(
        2, "train", "--preset", "debug", "--set", "batch_size=4", "--steps", 2,
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("statistic is over 2 images instead of 4") == 1
    assert (tmp_path / "run" / "alpha.safetensors").is_file()
