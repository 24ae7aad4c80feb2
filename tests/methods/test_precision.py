"""bfloat16: near float32, float32 to the outside, and never without a word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.assets import embedded_path
from l4f_bench.cli import app
from l4f_bench.errors import InputError
from l4f_bench.methods.loading import load_generative, load_image_method
from l4f_bench.precision import NOTE, PRECISIONS, cast_once, computing_in
from l4f_bench.projection.encoder_file import load_encoder


def test_samples_in_bfloat16_are_near_those_in_float32() -> None:
    exact, rough = (
        load_generative("ours", "shapes", device="cpu", precision=precision)[0].sample(
            range(4), truncation=1.0, seed=0
        )
        for precision in PRECISIONS
    )
    assert rough.alpha.dtype == torch.float32
    assert not torch.equal(rough.alpha, exact.alpha)
    one, other = (samples.alpha > 0.9 for samples in (exact, rough))
    assert float((one & other).sum() / (one | other).sum()) > 0.98
    steps = rough.alpha[(rough.alpha > 0.5) & (rough.alpha < 1)].unique()
    assert len(steps) > 1000, "alpha is not rounded to bfloat16's 128 levels above a half"
    assert (rough.image.int() - exact.image.int()).abs().float().mean() < 2


def test_segmentations_in_bfloat16_are_near_those_in_float32() -> None:
    samples = load_generative("ours", "shapes", device="cpu")[0].sample([0], truncation=1, seed=0)
    exact, rough = (
        load_image_method("ours-bisenet", "shapes", device="cpu", precision=name)[0].segment(
            samples.image
        )
        for name in PRECISIONS
    )
    assert rough.dtype == torch.float32
    assert (exact != rough).float().mean() < 0.02


@torch.no_grad()
def test_weights_that_are_cast_once_give_the_same_bits() -> None:
    encoder = load_encoder(embedded_path("shapes-encoder")).network
    images = torch.rand(2, 3, 64, 64) * 2 - 1
    with computing_in("bf16", torch.device("cpu")):
        expected = encoder(images)
        cast_once(encoder)
        assert torch.equal(encoder(images), expected)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(InputError, match="Unknown precision 'half'"):
        load_generative("ours", "shapes", device="cpu", precision="half")


def test_an_evaluation_in_bfloat16_says_so(tmp_path: Path) -> None:
    arguments = ["eval", "images", "--method", "ours-bisenet", "--limit", "2", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--precision", "bf16", "--out", str(tmp_path)])
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    assert record["config"]["precision"] == "bf16"
    assert NOTE in record["warnings"]
    assert record["label"].endswith(", bf16")
