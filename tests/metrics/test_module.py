from __future__ import annotations

import math
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import count_levels, count_pixels
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.module import MaskScores
from l4f_bench.metrics.protocols import PROTOCOLS


def batch(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    """Soft masks on the 8-bit grid and true masks."""
    generator = torch.Generator().manual_seed(0)
    alpha = torch.randint(0, 256, (n, 1, 12, 12), generator=generator) / 255
    target = torch.rand((n, 1, 12, 12), generator=generator) < 0.4
    return alpha, target


def as_floats(metric: MaskScores) -> dict[str, float]:
    return {key: float(value) for key, value in metric.compute().items()}


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_the_metric_agrees_with_the_functions(name: str) -> None:
    alpha, target = batch()
    metric = MaskScores(name)
    metric.update(alpha, target)
    grey = (alpha * 255).round().to(torch.uint8).squeeze(1).numpy()
    truth = target.squeeze(1).numpy()
    counts = np.stack([count_pixels(g >= 128, t) for g, t in zip(grey, truth, strict=True)])
    levels = np.stack([count_levels(g, t) for g, t in zip(grey, truth, strict=True)])
    expected = estimate(PROTOCOLS.get(name), counts, levels)
    assert as_floats(metric) == pytest.approx({k: v.value for k, v in expected.items()})


def test_scores_have_the_precision_of_float64() -> None:
    metric = MaskScores()
    target = torch.ones(1, 1, 3, dtype=torch.bool)
    metric.update(torch.tensor([[[True, False, False]]]), target)
    score = metric.compute()["iou_fg"]
    assert score.dtype == torch.float64
    assert float(score) == 1 / 3


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_batch_size_does_not_change_a_score(name: str) -> None:
    alpha, target = batch()
    whole, split = MaskScores(name), MaskScores(name)
    whole.update(alpha, target)
    for index in range(len(alpha)):
        split.update(alpha[index : index + 1], target[index : index + 1])
    assert as_floats(split) == pytest.approx(as_floats(whole), abs=1e-12)


def test_counts_are_whole_numbers() -> None:
    metric = MaskScores()
    metric.update(*batch())
    assert metric.counts.dtype == torch.int64
    assert int(metric.counts.sum()) == 8 * 12 * 12


def test_reset_forgets_everything() -> None:
    metric = MaskScores()
    metric.update(*batch())
    metric.reset()
    with (
        pytest.warns(UserWarning, match="before"),
        pytest.raises(InputError, match="No mask has been counted"),
    ):
        metric.compute()


def test_an_absent_class_is_nan() -> None:
    metric = MaskScores()
    nothing = torch.zeros(2, 4, 4, dtype=torch.bool)
    metric.update(nothing, nothing)
    assert math.isnan(metric.compute()["iou_fg"])
    assert float(metric.compute()["iou_bg"]) == 1


@pytest.mark.parametrize(
    ("preds", "target"),
    [
        (torch.zeros(2, 3, 4, 4), torch.zeros(2, 3, 4, 4).bool()),
        (torch.zeros(2, 4, 4), torch.zeros(2, 4, 5).bool()),
        (torch.zeros(2, 4, 4), torch.zeros(2, 4, 4)),
    ],
)
def test_masks_of_another_form_are_refused(preds: torch.Tensor, target: torch.Tensor) -> None:
    with pytest.raises(InputError):
        MaskScores().update(preds, target)


def _score_shard(rank: int, port: int, folder: str) -> None:
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    alpha, target = batch()
    for name in PROTOCOLS.names():
        metric = MaskScores(name)
        metric.update(alpha[rank::2], target[rank::2])
        torch.save(as_floats(metric), Path(folder) / f"{name}-{rank}.pt")
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_score_as_one(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    mp.spawn(_score_shard, args=(port, str(tmp_path)), nprocs=2)
    for name in PROTOCOLS.names():
        metric = MaskScores(name)
        metric.update(*batch())
        for rank in (0, 1):
            shard = torch.load(tmp_path / f"{name}-{rank}.pt", weights_only=True)
            assert shard == pytest.approx(as_floats(metric), abs=1e-12)
