"""The embedded world through the commands without options, on few samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from l4f_bench.assets import EMBEDDED, embedded_path
from l4f_bench.errors import InputError
from l4f_bench.evaluation.settings.samples import Samples
from l4f_bench.methods.labels4free.loading import load_labels4free
from l4f_bench_baselines import pseg
from tests.cli.conftest import Run
from tests.launching import launch
from tests.networks import save_rosinality, small_generator

PSEG = Path(pseg.__file__).parent / "assets" / "shapes.safetensors"


def test_the_embedded_weights_fit_each_other_and_are_small() -> None:
    paths = [embedded_path(name) for name in EMBEDDED]
    assert sum(path.stat().st_size for path in (*paths, PSEG)) < 20e6
    load_labels4free(paths[0], paths[1], background="first-conv")


def test_eval_without_options_scores_both_truncations_and_the_annotator(
    run: Run, tmp_path: Path
) -> None:
    result = run("eval", "--samples", 20, "--out", tmp_path, "--json")
    assert result.exit_code == 0, result.stderr
    records = json.loads(result.stdout)["records"]
    assert [(r["method"], r["setting"], r["truncation"]) for r in records] == [
        ("ours", "samples", 0.7),
        ("ours", "samples", 1.0),
        ("bisenet", "images", None),
    ]
    assert all(record["dataset"] == "shapes" and record["n"] == 20 for record in records)
    # Looser than what reports/shapes says of 1,000 samples, but far above any broken chain.
    assert records[0]["scores"]["miou"]["value"] > 0.85
    assert records[2]["scores"]["miou"]["value"] > 0.95
    assert records[2]["truth"] == "exact"
    assert (tmp_path / "psi-0.7" / "examples.png").is_file()
    report = run("report", tmp_path, "--out", tmp_path / "tables", "--format", "md,csv,tex,json")
    assert report.exit_code == 0, report.stderr
    assert "BiSeNet against exact masks" in report.stdout
    assert "published" not in report.stdout.replace("minus published", "")
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"shapes.{suffix}" for suffix in ("md", "csv", "tex", "json")
    }


def test_eval_alone_scores_a_thousand_samples(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(setting: Samples, _: object) -> None:
        raise InputError(f"asked for {setting.samples} samples of {setting.method}")

    monkeypatch.setattr(Samples, "run", refuse)
    result = run("eval")
    assert result.exit_code == 2
    assert "asked for 1000 samples of ours" in result.stderr


def test_exact_masks_do_not_depend_on_how_many_are_scored(run: Run, tmp_path: Path) -> None:
    arguments = ("eval", "--on", "real", "--method", "bisenet", "--json", "--out", tmp_path)
    few, many = (
        json.loads(run(*arguments, "--samples", number).stdout)["records"][0]["images"]
        for number in (7, 60)
    )
    assert few == many[:7]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "bisenet", "--annotator", "human"), "has exact masks, not human"),
        (("--method", "ours"), "Ours segments no images here. Possible: ours-bisenet, "),
        (("--method", "bisenet", "--samples", 0), "--limit 0"),
    ],
)
def test_what_cannot_be_scored_on_real_images_is_said(
    options: tuple[object, ...], said: str, run: Run
) -> None:
    result = run("eval", "--on", "real", *options)
    assert result.exit_code == 2
    assert said in result.stderr


def test_sample_without_options_draws_the_embedded_world(run: Run, tmp_path: Path) -> None:
    result = run("sample", "-n", 3, "--out", tmp_path / "samples")
    assert result.exit_code == 0, result.stderr
    assert len(list((tmp_path / "samples" / "masks").iterdir())) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--on", "trusst"), "Did you mean 'trust'"),
        (("--on", "real", "--truncation", 0.5), "`eval samples` and `eval quality` have it"),
        (("--limit", 3), "No such option of `eval samples`: --limit. `eval images` and"),
        (("--screen-weights", "a.pkl"), "--screen-weights applies only to PSeg's samples of FFHQ"),
        (("--method", "pseg", "--alpha", "a.pt"), "--alpha applies only to ours"),
        (("--batch-size", "none"), "--batch-size none"),
        (("--out", __file__), "cannot be written"),
        (("--dataset", "cat", "--foreground", "hair"), "mask-rcnn is not one"),
    ],
)
def test_options_that_would_do_nothing_are_refused(
    options: tuple[object, ...], said: str, run: Run
) -> None:
    result = run("eval", *options)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_limits_of_one_setting_are_not_those_of_another(run: Run, tmp_path: Path) -> None:
    options = ("--on", "real", "--method", "bisenet", "--samples", 1, "--out", tmp_path)
    assert run("eval", *options).exit_code == 0


def test_sample_draws_what_packages_offer(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "samples"
    result = run("sample", "--method", "pseg", "-n", 2, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert [len(list((out / kind).iterdir())) for kind in ("images", "masks")] == [2, 2]
    assert json.loads((out / "config.json").read_text())["identity"]["method"] == "pseg"
    again = run("sample", "-n", 2, "--out", out, "--resume")
    assert again.exit_code == 2
    assert "makes no samples" in run("sample", "--method", "bisenet").stderr


def test_a_generator_of_another_size_must_be_meant(run: Run, tmp_path: Path) -> None:
    path = save_rosinality(tmp_path / "g.pt", small_generator(32, (8, 6, 5, 4)))
    new = ("--set", "pretrained_discriminator=false")
    arguments = ("train", "--preset", "debug", "--steps", 1, *new, "--generator", path)
    refused = run(*arguments, "--out", tmp_path / "run")
    assert refused.exit_code == 2
    assert "makes 32-pixel images, but Shapes has 64" in refused.stderr
    assert "--resolution 32" in refused.stderr
    meant = run(*arguments, "--resolution", 32, "--out", tmp_path / "run")
    assert meant.exit_code == 0, meant.stderr


@pytest.mark.slow
def test_two_processes_score_and_sample_the_same(tmp_path: Path) -> None:
    for count in (1, 2):
        out = tmp_path / str(count)
        scored = launch(count, "eval", "--samples", 15, "--out", out / "eval", "--json")
        assert scored.returncode == 0, scored.stderr
        sampled = launch(count, "sample", "-n", 5, "--out", out / "samples")
        assert sampled.returncode == 0, sampled.stderr
    parts = ("psi-0.7", "psi-1", "bisenet-images")
    for part in parts:
        one, two = (
            json.loads((tmp_path / str(count) / "eval" / part / "record.json").read_text())
            for count in (1, 2)
        )
        for key in ("images", "scores", "drawn", "rejected", "n"):
            assert one[key] == two[key], (part, key)
    files = sorted(p.relative_to(tmp_path / "1") for p in (tmp_path / "1/samples").rglob("*.png"))
    assert len(files) == 5 * 5 + 1
    for file in [*files, Path("samples/metadata.jsonl")]:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "2" / file).read_bytes(), file


def test_trust_compares_the_same_images_against_both_truths(run: Run, tmp_path: Path) -> None:
    result = run("eval", "--on", "trust", "--samples", 30, "--out", tmp_path / "run", "--json")
    assert result.exit_code == 0, result.stderr
    records = json.loads(result.stdout)["records"]
    assert [(r["method"], r["truth"], r["subset"]) for r in records] == [
        (method, truth, subset)
        for subset in ("accepted", "rejected")
        for method, truth in (
            ("bisenet", "exact"), ("ours-bisenet", "exact"), ("ours-bisenet", "bisenet"),
        )
    ]  # fmt: skip
    assert records[0]["n"] + records[3]["n"] == 30
    assert records[1]["images"] != records[2]["images"]
    report = run("report", tmp_path / "run", "--out", tmp_path / "tables")
    assert report.exit_code == 0, report.stderr
    assert "How far pseudo ground truth can be trusted" in report.stdout
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {
        f"{name}.{suffix}" for name in ("trust", "rejection") for suffix in ("md", "csv")
    }


def test_an_image_method_is_scored_on_the_same_samples(run: Run, tmp_path: Path) -> None:
    common = ("eval", "--samples", 6, "--truncation", 1, "--json")
    own = json.loads(run(*common, "--out", tmp_path / "own").stdout)["records"][0]
    result = run(*common, "--segmenter", "border-colour", "--out", tmp_path / "border")
    assert result.exit_code == 0, result.stderr
    (found,) = json.loads(result.stdout)["records"]
    assert (found["method"], found["threshold"]) == ("border-colour", 0.5)
    assert found["label"] == "border colour on samples of ours"
    assert found["images_digest"] == own["images_digest"]
    truths = [[image["tp"] + image["fn"] for image in one["images"]] for one in (own, found)]
    assert truths[0] == truths[1]
    report = run("report", tmp_path, "--out", tmp_path / "tables")
    assert "Ours - Border colour" in report.stdout
    assert " paired" in report.stdout


def test_weights_of_no_segmenter_are_refused(run: Run, tmp_path: Path) -> None:
    result = run("eval", "--segmenter-weights", tmp_path / "x.safetensors")
    assert result.exit_code == 2
    assert "only with --segmenter" in result.stderr
