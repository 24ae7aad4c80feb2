"""What a run leaves to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from l4f_bench.cli import app
from l4f_bench.training.logs import RunLog

GRID = {"black": torch.zeros((2, 3, 4, 4), dtype=torch.uint8)}


def test_a_log_says_what_it_is_given_and_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "log.jsonl").write_text('{"step": 4, "lo')
    earlier = '{"step": 1, "loss": 0.5}\n'
    with RunLog(tmp_path, 1, earlier, title="a run", tensorboard=False) as log:
        line = log.write(2, {"loss": 9.0})
    assert (tmp_path / "log.jsonl").read_text() == earlier + line
    assert json.loads(line) == {"step": 2, "loss": 9.0}


def test_tensorboard_gets_figures_and_grids(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / "config.json").write_text("{}")
    with RunLog(tmp_path, 0, "", title="a run", tensorboard=True) as log:
        log.write(1, {"loss": 0.25})
        log.write_grid(1, GRID)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(1, 0.25)]
    assert events.Tags()["images"] == ["samples"]


def test_missing_packages_are_named_with_exit_code_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tensorboard", "torch.utils.tensorboard", "matplotlib", "matplotlib.figure"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    train = ["train", "--method", "bisenet", "--preset", "debug", "--tensorboard"]
    result = CliRunner().invoke(app, [*train, "--out", str(tmp_path / "run")])
    assert result.exit_code == 4
    assert "l4f-bench[logging]" in result.stderr
    log = tmp_path / "log.jsonl"
    log.write_text('{"step": 1, "loss": 2.0}\n')
    result = CliRunner().invoke(app, ["curves", str(log)])
    assert result.exit_code == 4
    assert "l4f-bench[plots]" in result.stderr


def test_curves_are_drawn_from_a_log(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log, out = tmp_path / "log.jsonl", tmp_path / "curves.png"
    log.write_text(
        '{"step": 1, "images": 8, "loss": 2.0}\n{"step": 2, "images": 16, "loss": 1.0}\n'
    )
    result = CliRunner().invoke(app, ["curves", str(log), "--out", str(out)])
    assert result.exit_code == 0, result.output
    with Image.open(out) as image:
        one = image.height
    log.write_text('{"step": 1, "loss": 2.0, "coverage": 0.5}\n')
    CliRunner().invoke(app, ["curves", str(log), "--out", str(out)])
    with Image.open(out) as image:
        assert image.height > 1.5 * one  # a panel for each figure
    log.write_text('{"loss": 2.0}\n')
    result = CliRunner().invoke(app, ["curves", str(log), "--out", str(out)])
    assert result.exit_code == 2
    assert "not a training log" in result.stderr


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"step": 1, "loss": "low"}',
        '{"step": 1, "loss": {"low": 1}}',
        '{"step": 1, "loss": 1e300}',
        '{"step": 1, "loss": 1%s}' % ("0" * 400),
        '{"step": 1, "loss": true}',
        '{"step": 1, "loss": NaN}',
        "[1]",
        "[" * 10_000,
        '{"step": 1',
        "\xff",
        json.dumps({"step": 1, **{f"loss {number}": 1 for number in range(2000)}}),
    ],
)
def test_what_is_no_training_log_is_refused(text: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    log = tmp_path / "log.jsonl"
    log.write_bytes(text.encode("latin1"))
    result = CliRunner().invoke(app, ["curves", str(log), "--out", str(tmp_path / "curves.png")])
    assert result.exit_code == 2, result.exception
    assert result.stderr.count("\n") == 1
    assert "training log" in result.stderr
