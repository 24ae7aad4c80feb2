"""The analyses from the command line, on a small generator."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l4f_bench.analysis.config import LayersConfig
from l4f_bench.metrics.ssim_definitions import PRIMARY
from tests.cli.conftest import Run
from tests.networks import save_rosinality, small_generator


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    return save_rosinality(tmp_path / "generator.pt", small_generator())


def test_layers(run: Run, generator: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--generator", generator, "--samples", 3, "--draws", 2, "--out", out)
    result = run("analyze", "layers", *options)
    assert result.exit_code == 0, result.stderr
    assert "Recommended: read from" in result.stdout
    record = json.loads((out / "analysis.json").read_text())
    assert (record["format"], record["version"]) == ("l4f-bench analysis", 1)
    assert (record["kind"], record["primary"]) == ("layers", PRIMARY)
    assert record["config"]["draws"] == 2
    assert len(record["digests"]["generator"]) == 64
    assert record["provenance"]["versions"]["torch"]
    every = np.array(record["ssim"][PRIMARY])
    assert every.shape == (4, 2, 3)
    means = [row["ssim"][PRIMARY]["value"] for row in record["rows"]]
    np.testing.assert_allclose(every.mean(axis=(1, 2)), means, atol=1e-5)
    for name, columns in (("figure.png", 5), ("plot.png", None)):
        with Image.open(out / name) as image:
            assert columns is None or image.width == columns * 100 + 8
    drawn = run("report", out, "--format", "md,html", "--out", tmp_path / "tables")
    assert drawn.exit_code == 0, drawn.stderr
    assert "What layers of a generator paint" in drawn.stdout
    page = (tmp_path / "tables" / "report.html").read_text()
    assert page.count("data:image/webp") == 1
    again = run("analyze", "layers", *options, "--json")
    assert json.loads(again.stdout)["ssim"] == record["ssim"]


def test_background(run: Run, generator: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("analyze", "background", "--generator", generator, "--samples", 2, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "Recommended background mode: " in result.stdout
    record = json.loads((out / "analysis.json").read_text())
    rows = {row["name"]: row for row in record["rows"]}
    assert list(rows) == ["input", "conv1", *(f"convs.{i}" for i in range(6))]
    leader = max(rows.values(), key=lambda row: row["summed"]["value"])
    assert record["leaders"]["summed"] == leader["name"]
    assert sum(record["channel_norms"]) == pytest.approx(leader["summed"]["value"])
    norms, facts = np.array(record["channel_norms"]), record["curated"]
    assert facts["channels"] == np.flatnonzero(norms >= norms.max() / 2).tolist()
    assert all(side == 8 for _, _, side in record["crops"])
    assert leader["shuffled_summed"]["value"] > 0


@pytest.mark.slow
def test_an_annotator_says_where_the_background_is(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("analyze", "background", "--annotator", "bisenet", "--samples", 2, "--out", out)
    assert result.exit_code == 0, result.stderr
    record = json.loads((out / "analysis.json").read_text())
    assert set(record["digests"]) == {"generator", "annotator"}
    assert "backgrounds by bisenet" in result.stdout


def test_without_matplotlib_one_line_says_so(
    run: Run, generator: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    out = tmp_path / "out"
    options = ("--samples", 2, "--draws", 1, "--out", out)
    result = run("analyze", "layers", "--generator", generator, *options)
    assert result.exit_code == 0
    assert [line for line in result.stderr.splitlines() if line.startswith("No plot")] == [
        "No plot: Plots need matplotlib. Install it: pip install 'l4f-bench[plots]'."
    ]
    assert {path.name for path in out.iterdir()} == {"analysis.json", "figure.png"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("layers", "--samples", 1), "--samples 1 is out of range: use 2 to"),
        (("layers", "--draws", 0), "--draws 0 is out of range: use 1 to"),
        (("layers", "--fall", 1), "--fall 1 is out of range"),
        (("layers", "--truncation", "nan"), "--truncation nan is out of range"),
        (("background", "--crop", 0), "--crop 0 is out of range"),
        (("background", "--threshold", 2), "--threshold 2 is out of range"),
        (("background", "--annotator-weights", "x"), "--annotator-weights needs --annotator"),
        (("background", "--annotator", "bisnet"), "Did you mean 'bisenet'"),
        (("layers", "--dataset", "shape"), "Did you mean 'shapes'"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    run: Run, options: tuple[object, ...], said: str, tmp_path: Path
) -> None:
    result = run("analyze", *options, "--out", tmp_path / "out")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert said in result.stderr


def test_levels_follow_from_the_layers(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = partial(LayersConfig, samples=3, draws=1)
    monkeypatch.setattr("l4f_bench.analysis.layer_study.LayersConfig", few)
    out = tmp_path / "run"
    options = ("--preset", "debug", "--steps", 1, "--levels", "auto", "--out", out)
    result = run("train", *options)
    assert result.exit_code == 0, result.stderr
    identity = json.loads((out / "config.json").read_text())["identity"]
    assert identity["levels"] == 4
    assert identity["levels_by"].startswith("analyze layers: mean SSIM falls from 0.")
    assert identity["levels_by"].endswith(" at layer 2 (8 pixels)")


def test_levels_are_said_once(run: Run, tmp_path: Path) -> None:
    result = run("train", "--levels", "auto", "--set", "levels=3", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "--levels and --set levels=N say the same." in result.stderr
    result = run("train", "--levels", "few", "--out", tmp_path / "run")
    assert "--set levels: 'few' is not a whole number" in result.stderr
