"""bfloat16 and compiled code change how training computes, not what it learns."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.errors import InputError
from l4f_bench.training.compute import Compute
from l4f_bench.training.labels4free import identity_of
from tests.training.small import STYLEGAN2, labels4free, stylegan2


@pytest.mark.parametrize("method", ["ours", "stylegan2"])
def test_bfloat16_gives_nearly_the_same_losses_on_float32_weights(method: str) -> None:
    trainer = labels4free if method == "ours" else stylegan2
    plain, rough = trainer(), trainer(compute=Compute(bf16=True))
    exact, near = plain.step(0), rough.step(0)
    assert exact != near  # it was used
    for name, value in exact.items():
        assert near[name] == pytest.approx(value, rel=0.05, abs=0.05), name
    assert all(p.dtype == torch.float32 for p in rough.discriminator.parameters())


def test_how_it_computes_is_recorded() -> None:
    identity = identity_of(labels4free(compute=Compute(bf16=True)))
    assert identity["bf16"] is True
    assert identity["compiled"] is False
    assert identity["device"] == "cpu"


def test_compiled_code_refuses_second_derivatives() -> None:
    assert STYLEGAN2.path_length > 0
    with pytest.raises(InputError, match="Leave out --compile"):
        stylegan2(compute=Compute(compiled=True))


@pytest.mark.slow
def test_a_compiled_generator_trains_the_same(tmp_path: Path) -> None:
    plain, compiled = labels4free(), labels4free(compute=Compute(compiled=True))
    exact, near = plain.step(0), compiled.step(0)
    for name, value in exact.items():
        assert near[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name
    assert plain.alpha.state_dict().keys() == compiled.alpha.state_dict().keys()
    arguments = ["train", "--preset", "debug", "--steps", "1", "--compile"]
    result = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
