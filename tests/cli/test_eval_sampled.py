"""The path of Table 1 through the very files and commands, on small networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.contracts import Annotation, Reason
from l4f_bench.evaluation.examples import Example
from l4f_bench.evaluation.sampled import Drawing, count_samples, pick_examples
from l4f_bench.methods.contracts import Samples
from l4f_bench.reporting.figures import overlay
from tests.cli.conftest import Run
from tests.networks import save_labels4free, save_rosinality, small_alpha, small_generator


class FakeMethod:
    """Sample i has alpha 1 on its first i % 5 rows."""

    def sample(self, indices: range, *, truncation: float, seed: int) -> Samples:
        n = len(indices)
        alpha = torch.zeros(n, 1, 8, 8)
        for row, index in enumerate(indices):
            alpha[row, :, : index % 5] = 1
        image = torch.zeros(n, 3, 8, 8, dtype=torch.uint8)
        image[:, 0, 0, 0] = torch.tensor(list(indices), dtype=torch.uint8)
        return Samples(
            indices=tuple(indices), image=image, alpha=alpha, background=image, composite=image,
            latent=torch.zeros(n, 4),
        )  # fmt: skip


class FakeAnnotator:
    """The first two rows are the truth; every third sample has no instance."""

    def annotate(self, image: torch.Tensor) -> Annotation:
        mask = torch.zeros(len(image), 8, 8, dtype=torch.bool)
        mask[:, :2] = True
        reasons: list[Reason | None] = [
            "no-instance" if int(i) % 3 == 0 else None for i in image[:, 0, 0, 0]
        ]
        return Annotation(mask=mask, reason=tuple(reasons))


def drawing(batch_size: int) -> Drawing:
    return Drawing(truncation=1.0, seed=0, threshold=0.5, batch_size=batch_size)


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_drawing_goes_on_until_enough_are_accepted(batch_size: int) -> None:
    done: list[int] = []
    counts = count_samples(
        FakeMethod(), FakeAnnotator(), drawing(batch_size),
        num_accepted=5, max_drawn=100, with_levels=True, advance=done.append,
    )  # fmt: skip
    assert counts.indices == [1, 2, 4, 5, 7]
    assert counts.drawn == 8
    assert counts.rejected == {"no-instance": 3}
    assert counts.counts[0].tolist() == [8, 0, 8, 48]  # one of two rows found
    assert counts.counts[2].tolist() == [16, 16, 0, 32]  # four rows where two are true
    assert sum(done) == 5
    assert len(counts.levels) == 5


def test_drawing_ends_at_the_maximum() -> None:
    counts = count_samples(
        FakeMethod(), FakeAnnotator(), drawing(4),
        num_accepted=50, max_drawn=10, with_levels=False, advance=lambda _: None,
    )  # fmt: skip
    assert counts.drawn == 10
    assert len(counts.indices) == 6


def test_examples_are_the_worst_median_and_best() -> None:
    method, annotator = FakeMethod(), FakeAnnotator()
    counts = count_samples(
        method, annotator, drawing(4),
        num_accepted=9, max_drawn=100, with_levels=False, advance=lambda _: None,
    )  # fmt: skip
    examples = pick_examples(method, annotator, drawing(4), counts, per_group=1)
    assert [example.title.split(",")[0] for example in examples] == [
        "worst: sample 5",
        "median: sample 11",
        "best: sample 7",
    ]


def test_the_overlay_tints_false_positives_green_and_false_negatives_red() -> None:
    truth, preds = np.array([[True, True, False]]), np.array([[True, False, True]])
    pixels = overlay(Example("", np.zeros((1, 3, 3), np.uint8), truth, preds))
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[0, 1, 0] > pixels[0, 1, 1]  # missed: red
    assert pixels[0, 2, 1] > pixels[0, 2, 0]  # too much: green


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
        assert figure.width == 4 * 196 - 4
    again = run(*arguments, "--samples", 3, "--batch-size", 2, "--out", tmp_path / "b", "--json")
    assert [r["images"] for r in json.loads(again.stdout)["records"]] == [
        record["images"] for record in records
    ]
    report = run("report", tmp_path / "run", "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "Table 1" in report.stdout
    assert report.stdout.count("measured: ours") == 2


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


@pytest.mark.parametrize("options", [("--method", "ours-unet"), ("--method", "bisenet")])
def test_what_cannot_be_sampled_yet_is_said(
    options: tuple[str, str], run: Run, files: tuple[object, ...], tmp_path: Path
) -> None:
    result = run("eval", "--dataset", "ffhq", "--on", "sampled", *files, *options)
    assert result.exit_code == 2
    assert "makes no samples here. Possible: ours" in result.stderr


@pytest.mark.parametrize(
    "options", [("--samples", 0), ("--samples", 9, "--max-drawn", 8), ("--truncation", 2)]
)
def test_options_out_of_range_are_refused(
    options: tuple[object, ...], run: Run, files: tuple[object, ...]
) -> None:
    result = run("eval", "--dataset", "ffhq", "--on", "sampled", *files, *options)
    assert result.exit_code == 2
    assert options[0] in result.stderr
