"""Which annotator one call of eval asks for, and what it refuses."""

from __future__ import annotations

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
        (("--on", "trust", "--method", "pseg"), "--method belongs to"),
        (("--on", "real", "--min-area", 0.9, "--method", "bisenet"), "--min-area belongs to"),
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
