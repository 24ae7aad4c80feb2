"""Mean latents and descriptions are checked when they are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from l4f_bench.generators.checkpoints import (
    CheckpointError,
    read_checkpoint,
)
from tests.generators.checkpoints.files import (
    alpha_state_dict,
    rosinality_converted,
)
from tests.generators.checkpoints.hostile_files import (
    refusal,
)


@pytest.mark.parametrize(
    ("latent", "reason"),
    [
        (torch.full((64,), float("nan")), "NaN or infinite"),
        (torch.full((64,), float("inf")), "NaN or infinite"),
        (torch.full((64,), 1e300, dtype=torch.float64), "NaN or infinite"),
        (torch.zeros(1).expand(64), "repeats the numbers"),
        (torch.zeros(64, dtype=torch.int64), "not one vector of floating-point"),
        (torch.zeros(64, dtype=torch.complex64), "name not allowed: torch.ComplexFloatStorage"),
        (torch.zeros(3, 64), "not one vector of floating-point"),
        (torch.zeros(()), "not one vector of floating-point"),
        (torch.zeros(0), "holds no numbers"),
        (torch.zeros(63), "63 numbers where its generator has 64"),
        ("text", "not one vector of floating-point"),
    ],
)
def test_a_mean_latent_is_checked_like_any_tensor(
    latent: object, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "latent.pt"
    torch.save({**rosinality_converted(), "latent_avg": latent}, path)
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(path)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_mean_latent_of_another_precision_is_brought_to_ours(
    dtype: torch.dtype, tmp_path: Path
) -> None:
    content = rosinality_converted()
    content["latent_avg"] = content["latent_avg"].to(dtype).requires_grad_()
    torch.save(content, tmp_path / "latent.pt")
    found = read_checkpoint(tmp_path / "latent.pt").latent_average
    assert found is not None
    assert (found.dtype, found.requires_grad) == (torch.float32, False)
    assert torch.equal(found, content["latent_avg"].detach().float())


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.uint8])
def test_weights_that_are_whole_numbers_are_refused(dtype: torch.dtype, tmp_path: Path) -> None:
    state_dict = alpha_state_dict(repro=True)
    state_dict["conv_n.bias"] = state_dict["conv_n.bias"].to(dtype)
    torch.save(state_dict, tmp_path / "whole.pt")
    assert "conv_n.bias of alpha does not hold" in refusal(tmp_path / "whole.pt")


DOCUMENT = {"format_version": 1, "source": {"name": "x.pt", "sha256": ""}, "conv_clamps": {},
            "metadata": {}}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"source": None}, "lacks source"),
        ({"source": [], "metadata": 7}, "lacks source, metadata"),
        ({"source": {"name": "x"}}, "names no source"),
        ({"source": {"name": "x", "sha256": "../../etc"}}, "impossible source"),
        ({"source": {"name": "x" * 5000, "sha256": ""}}, "impossible source"),
        ({"conv_clamps": {"g": "256"}}, "conv_clamp that is not a number"),
        ({"conv_clamps": {"g": -1}}, "conv_clamp that is not positive"),
        ({"conv_clamps": {"\x1b[2J": 256}}, "of the unknown name"),
        ({"format_version": "1"}, "format version '1'"),
    ],
)
def test_a_description_of_other_types_is_refused(
    changes: dict[str, object], reason: str, tmp_path: Path
) -> None:
    tensors = {f"alpha/{key}": value for key, value in alpha_state_dict(repro=True).items()}
    path = tmp_path / "own.safetensors"
    save_file(tensors, path, metadata={"l4f_bench": json.dumps({**DOCUMENT, **changes})})
    assert reason in refusal(path)


@pytest.mark.parametrize("document", ["", "[", "[" * 100_000, "[]", "null", "NaN"])
def test_a_description_that_is_no_document_is_refused(document: str, tmp_path: Path) -> None:
    tensors = {f"alpha/{key}": value for key, value in alpha_state_dict(repro=True).items()}
    save_file(tensors, tmp_path / "own.safetensors", metadata={"l4f_bench": document})
    refusal(tmp_path / "own.safetensors")
