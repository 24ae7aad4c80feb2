"""What was asked for is done or refused, never ignored."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from baselines.pseg.entry import job as pseg_job
from l4f_bench.cli import app
from l4f_bench.errors import InputError
from l4f_bench.training.jobs import JOBS, TAKEN, TrainRequest

OPTIONS = {
    "--data": ["folder"],
    "--strict": [],
    "--generator": ["g.pt"],
    "--alpha": ["a.pt"],
    "--compile": [],
}


def test_every_method_states_its_options() -> None:
    assert TAKEN.keys() == JOBS.keys()
    assert {option for options in TAKEN.values() for option in options} == OPTIONS.keys()


@pytest.mark.parametrize(
    ("method", "option"),
    [(name, option) for name, taken in TAKEN.items() for option in OPTIONS if option not in taken],
)
def test_an_option_that_would_be_ignored_is_refused(
    method: str, option: str, tmp_path: Path
) -> None:
    train = ["train", "--method", method, "--preset", "debug", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(app, [*train, option, *OPTIONS[option]])
    assert result.exit_code == 2
    assert result.stderr == f"Error: {method} has no use for {option}. Leave it out.\n"
    assert not (tmp_path / "run").exists()


def test_pseg_refuses_the_networks_of_others() -> None:
    for option in ("generator", "alpha"):
        request = TrainRequest(method="pseg", preset="debug", **{option: Path("x.pt")})  # type: ignore[arg-type]
        with pytest.raises(InputError, match=f"pseg has no use for --{option}"):
            pseg_job(request, print)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--strict",), "--strict is for images of --data"),
        (("--every", "0"), "--every 0 is too small"),
        (("--steps", "0"), "--steps 0 is too small"),
        (("--seed", str(1 << 64)), "--seed 18446744073709551616"),
        (("--method", "bisenet", "--dataset", "ffhq"), "only shapes has"),
        (("--method", "ours-bisenet", "--dataset", "ffhq"), "only shapes has"),
        (("--dataset", "celebamask", "--data", "."), "no settings to train ours on celebamask"),
    ],
)
def test_what_cannot_be_trained_is_said_by_its_option(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    result = CliRunner().invoke(app, ["train", *options, "--out", str(tmp_path / "run")])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr
