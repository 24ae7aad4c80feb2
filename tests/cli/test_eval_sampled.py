"""The path of Table 1 through the very files and commands, on small networks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from PIL import Image

from l4f_bench.annotators.bisenet import BiSeNet
from tests.cli.conftest import Run
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator
from tests.toy_detector import write_toy_pickle


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[object, ...]:
    """A rosinality generator of 64 pixels, a Labels4Free alpha network, a face parser."""
    folder = tmp_path_factory.mktemp("weights")
    generator = small_generator(64, (12, 10, 8, 6, 4))
    torch.manual_seed(3)
    torch.save(BiSeNet(19, width=0.125).state_dict(), folder / "79999_iter.pth")
    return (
        "--generator", save_rosinality(folder / "generator.pt", generator),
        "--alpha", save_labels4free(folder / "alpha.pt", small_alpha((8, 6, 4))),
        "--annotator-weights", folder / "79999_iter.pth",
    )  # fmt: skip


def test_table_1_end_to_end(run: Run, files: tuple[object, ...], tmp_path: Path) -> None:
    arguments = ("eval", "--method", "ours", "--dataset", "ffhq", "--on", "sampled", *files)
    result = run(*arguments, "--samples", 3, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.stderr
    records = json.loads(result.stdout)["records"]
    assert [record["truncation"] for record in records] == [0.7, 1.0]
    assert all(record["n"] == record["drawn"] == 3 for record in records)
    assert all(record["truth"] == "bisenet" for record in records)
    assert set(records[0]["digests"]) == {"generator", "alpha", "annotator"}
    assert sum(records[0]["images"][0][key] for key in ("tp", "fp", "fn", "tn")) == 64 * 64
    with Image.open(tmp_path / "run" / "psi-0.7" / "examples.png") as figure:
        assert figure.width == 4 * 196 + 8
        assert "worst: sample" in figure.info["Description"]
    again = run(*arguments, "--samples", 3, "--batch-size", 2, "--out", tmp_path / "b", "--json")
    assert [r["images"] for r in json.loads(again.stdout)["records"]] == [
        record["images"] for record in records
    ]
    report = run("report", tmp_path / "run", "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "Table 1" in report.stdout
    measured = [row for row in report.stdout.splitlines() if "| measured " in row]
    assert sum("l4f" in row for row in measured) == 2


def test_another_truth_is_named_and_compared_with_no_published_number(
    run: Run, files: tuple[object, ...], tmp_path: Path
) -> None:
    options = ("--samples", 3, "--truncation", 0.7, "--foreground", "hair", "--foreground", "hat")
    result = run("eval", "--dataset", "ffhq", *files, *options, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    tables = ("--out", tmp_path / "tables")
    report = run("report", tmp_path / "run", *tables)
    (line,) = (row for row in report.stdout.splitlines() if "hair hat" in row)
    assert line.startswith("| Ours, foreground hair hat")
    check = run("report", tmp_path / "run", *tables, "--check", 1)
    assert check.exit_code == 2
    assert "Nothing to check" in check.stderr


def test_missing_weights_are_named_with_the_command(
    run: Run, files: tuple[object, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("L4F_CACHE", str(tmp_path / "cache"))
    arguments = ("eval", "--dataset", "ffhq", "--on", "sampled", "--out", tmp_path / "run")
    result = run(*arguments)
    assert result.exit_code == 3
    assert "--alpha FILE" in result.stderr
    result = run(*arguments, *files[:4])
    assert result.exit_code == 3
    assert "l4f-bench fetch bisenet" in result.stderr
    assert not (tmp_path / "run").exists()


def test_methods_without_samples_are_refused(
    run: Run, files: tuple[object, ...], tmp_path: Path
) -> None:
    result = run("eval", "--dataset", "ffhq", "--on", "sampled", *files, "--method", "ours-bisenet")
    assert result.exit_code == 2
    assert "makes no samples" in result.stderr


def bright_generator(folder: Path, size: int) -> Path:
    """A generator whose samples differ in brightness, which is what the toy detector finds."""
    generator = small_generator(size, (12, 10, 8, 6, 4)[: int(math.log2(size)) - 1])
    with torch.no_grad():
        for to_rgb in (generator.to_rgb1, *generator.to_rgbs):
            to_rgb.conv.weight.mul_(30)
    return save_rosinality(folder / f"bright-{size}.pt", generator)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["cat", "horse", "car"])
def test_table_2_end_to_end(dataset: str, run: Run, tmp_path: Path) -> None:
    pytest.importorskip("torchvision")
    weights = write_toy_pickle(tmp_path / "model_final_a3ec72.pkl", dataset)
    files = (
        "--generator", bright_generator(tmp_path, 64),
        "--alpha", save_labels4free(tmp_path / "alpha.pt", small_alpha((8, 6, 4))),
        "--annotator-weights", weights,
    )  # fmt: skip
    arguments = ("eval", "--dataset", dataset, *files, "--samples", 3, "--max-drawn", 60, "--json")
    result = run(*arguments, "--out", tmp_path / "run")
    assert result.exit_code == 0, result.stderr
    (record,) = json.loads(result.stdout)["records"]
    assert record["truth"] == "mask-rcnn"
    assert record["annotator"]["target_class"] == dataset
    assert record["threshold"] == 0.9
    assert record["n"] == len(record["images"]) == 3
    assert record["drawn"] == 3 + sum(record["rejected"].values())
    assert set(record["rejected"]) <= {"no-instance", "several-instances"}
    assert bool(record["scores_without_bars"]) == (dataset == "car")
    report = run("report", tmp_path / "run", "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "Table 2" in report.stdout
    measured = [row for row in report.stdout.splitlines() if "| measured " in row]
    assert sum("l4f" in row for row in measured) == 1
    none = run(*arguments, "--min-score", 1, "--max-drawn", 4, "--out", tmp_path / "none")
    assert none.exit_code == 1
    assert "no-instance 4" in none.stderr
    kept = json.loads((tmp_path / "none" / "record.json").read_text())
    assert kept["rejected"] == {"no-instance": 4}


@pytest.mark.parametrize(
    "options", [("--samples", 0), ("--samples", 9, "--max-drawn", 8), ("--truncation", 2)]
)
def test_options_out_of_range_are_refused(
    options: tuple[object, ...], run: Run, files: tuple[object, ...]
) -> None:
    result = run("eval", "--dataset", "ffhq", "--on", "sampled", *files, *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
