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
TAKERS = {
    "--data": "ours and stylegan2",
    "--strict": "ours and stylegan2",
    "--generator": "ours and ours-bisenet",
    "--alpha": "ours-bisenet",
    "--compile": "ours and stylegan2",
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
    verb = "take" if " and " in TAKERS[option] else "takes"
    expected = f"Error: {method} has no use for {option}, which {TAKERS[option]} {verb}."
    assert result.stderr.startswith(expected)
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_pseg_refuses_the_networks_of_others() -> None:
    for option in ("generator", "alpha"):
        request = TrainRequest(method="pseg", preset="debug", **{option: Path("x.pt")})  # type: ignore[arg-type]
        with pytest.raises(InputError, match=f"pseg has no use for --{option}, which"):
            pseg_job(request, print)
