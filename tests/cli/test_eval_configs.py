"""Which annotator one call of eval asks for, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from l4f_bench.cli.eval_configs import annotator_of
from l4f_bench.config import AnnotatorConfig, EvalConfig
from l4f_bench.errors import InputError
from tests.cli.conftest import Run

NOTHING: dict[str, Any] = dict.fromkeys(
    ("weights", "min_score", "min_area", "foreground", "screen_weights")
)


def of_pseg(name: str | None, **options: object) -> AnnotatorConfig:
    config = EvalConfig(method="pseg", dataset="ffhq", setting="sampled")
    return annotator_of(config, name, **(NOTHING | options))


def test_naming_the_usual_annotator_changes_nothing() -> None:
    assert of_pseg("bisenet") == of_pseg(None)
    screen = of_pseg("bisenet").screen
    assert screen is not None
    assert (screen.name, screen.target_class) == ("mask-rcnn", "person")
    assert of_pseg("mask-rcnn").screen is None


def test_the_smallest_score_is_that_of_the_detector() -> None:
    screened = of_pseg(None, min_score=0.9)
    assert screened.screen is not None
    assert screened.screen.min_score == 0.9
    assert of_pseg("mask-rcnn", min_score=0.9).min_score == 0.9
    with pytest.raises(InputError, match="--min-score belongs to detectors, and bisenet is none"):
        annotator_of(
            EvalConfig(method="ours", dataset="shapes"), None, **(NOTHING | {"min_score": 0.9})
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--on", "trust", "--method", "pseg"), "--method applies only to"),
        (("--on", "real", "--min-area", 0.9, "--method", "bisenet"), "--min-area applies only to"),
        (("--on", "real", "--student", "x.pt", "--method", "bisenet"), "--student belongs to"),
        (("--min-score", 0.9), "--min-score belongs to detectors"),
        (("--dataset", "cat", "--foreground", "hair"), "--foreground names classes of bisenet"),
    ],
)
def test_options_without_effect_are_refused(
    options: tuple[object, ...], message: str, run: Run
) -> None:
    result = run("eval", *options)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("eval", "--annotator", "human"), "eval --on custom scores against them"),
        (("eval", "--on", "trust", "--annotator", "exact"), "eval --on real scores against them"),
        (("annotate", ".", "--annotator", "exact"), "can be made for no others"),
        (("eval", "--on", "custom", "--annotator", "bisenet"), "scores against human masks"),
        (
            ("eval", "--on", "real", "--method", "bisenet", "--annotator", "bisenet"),
            "against its own masks says nothing",
        ),
    ],
)
def test_masks_that_come_with_images_are_the_truth_of_these_alone(
    arguments: tuple[object, ...], message: str, run: Run
) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_student_is_scored_against_the_annotator_that_is_named(run: Run, tmp_path: Path) -> None:
    student = ("eval", "--on", "real", "--method", "ours-bisenet", "--samples", 5, "--json")
    records = {}
    for name in (None, "exact", "bisenet"):
        named = ("--annotator", name) if name else ()
        result = run(*student, *named, "--out", tmp_path / str(name))
        assert result.exit_code == 0, result.stderr
        (records[name],) = json.loads(result.stdout)["records"]
    assert records[None]["images"] == records["exact"]["images"] != records["bisenet"]["images"]
    assert [record["truth"] for record in records.values()] == ["exact", "exact", "bisenet"]
