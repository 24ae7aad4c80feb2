"""bfloat16 and compiled code change how training computes, not what it learns."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.devices import allow_tf32, choose_device, tf32_allowed
from l4f_bench.errors import InputError
from l4f_bench.provenance import environment
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


def flags() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture
def pytorchs_own() -> Iterator[None]:
    """TF32 as PyTorch sets it, and off in the end."""
    torch.backends.cudnn.allow_tf32 = True
    yield
    allow_tf32(False)


@pytest.mark.usefixtures("pytorchs_own")
def test_tf32_is_off_wherever_a_device_is_chosen() -> None:
    assert tf32_allowed()
    choose_device("cpu")
    assert flags() == (False, False)
    assert not tf32_allowed()
    assert environment()["tf32"] is False


@pytest.mark.usefixtures("pytorchs_own")
def test_steps_are_done_with_tf32_only_if_it_was_asked_for() -> None:
    found = []
    for tf32 in (False, True):
        trainer = labels4free(compute=Compute(tf32=tf32))
        choose_device("cpu")  # as loading some other network would
        trainer.painter.register_forward_pre_hook(lambda *_: found.append(flags()))
        trainer.step(0)
    assert found == [(False, False), (True, True)]


@pytest.mark.usefixtures("pytorchs_own")
def test_the_command_records_tf32(tmp_path: Path) -> None:
    train = ["train", "--method", "stylegan2", "--preset", "debug", "--steps", "1"]
    for name, more in (("plain", []), ("tf32", ["--tf32"])):
        result = CliRunner().invoke(app, [*train, *more, "--out", str(tmp_path / name)])
        assert result.exit_code == 0, result.output
        config = json.loads((tmp_path / name / "config.json").read_text())
        assert config["identity"]["tf32"] is config["provenance"]["tf32"] is (name == "tf32")
    other = CliRunner().invoke(app, [*train, "--resume", "--out", str(tmp_path / "tf32")])
    assert other.exit_code == 2
    assert "tf32 was True, is False" in other.stderr


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
