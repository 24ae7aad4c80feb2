"""Settings as values: what they ask for, and what they refuse."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from l4f_bench.errors import InputError
from l4f_bench.evaluation.setting import run_name, to_json
from l4f_bench.evaluation.settings import SETTINGS, Images, Quality, Samples, Trust


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_field_is_an_option_with_a_help_of_a_phrase(setting: Any) -> None:
    for item in fields(setting):
        said = item.metadata["option"]
        assert len(said.help) < 80
        assert item.default is not None or said.usual, item.name


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_parts_are_whole_settings_that_ask_for_themselves(setting: Any) -> None:
    chosen = setting(method="bisenet") if setting is Images else setting()
    parts = chosen.parts()
    names = [part.folder() for part in parts]
    assert len(set(names)) == len(names) >= 1
    for part in parts:
        (again,) = part.parts()[:1]
        assert again == part
        assert to_json(part)["dataset"] == "shapes"


def test_another_option_is_another_folder() -> None:
    names = {run_name(part) for psi in (0.5, 0.7) for part in Samples(truncation=(psi,)).parts()}
    assert len(names) == 3  # the annotator's own evaluation is the same
    assert run_name(Images(method="bisenet")) != run_name(Images(method="bisenet", seed=1))


def of_pseg(**options: Any) -> Any:
    return Samples(method="pseg", dataset="ffhq", **options).source()


def test_naming_the_usual_annotator_changes_nothing() -> None:
    assert of_pseg(annotator="bisenet") == of_pseg()
    screen = of_pseg().screen
    assert (screen.name, screen.rule.target_class) == ("mask-rcnn", "person")
    assert of_pseg(annotator="mask-rcnn").screen is None


def test_the_smallest_score_is_that_of_the_detector() -> None:
    screened = of_pseg(min_score=0.9)
    assert (screened.rule.min_score, screened.screen.rule.min_score) == (0.5, 0.9)
    assert of_pseg(annotator="mask-rcnn", min_score=0.9).rule.min_score == 0.9
    with pytest.raises(InputError, match="--min-score applies to detectors; bisenet is not one"):
        Samples(min_score=0.9).source()


def test_labels_say_what_is_not_as_usual() -> None:
    usual = Samples(dataset="ffhq", method="pseg")
    assert usual.label() == "pseg"
    changed = replace(usual, annotator="mask-rcnn", threshold=0.5, min_area=0.1, min_score=0.7)
    assert changed.label() == (
        "pseg, threshold 0.5, against mask-rcnn, not screened, area from 0.1, score from 0.7"
    )


def test_trust_compares_annotator_and_student_on_both_parts() -> None:
    assert [(part.method, part.truth, part.subset) for part in Trust().parts()] == [
        (method, truth, subset)
        for subset in ("accepted", "rejected")
        for method, truth in (
            ("bisenet", "exact"), ("ours-bisenet", "exact"), ("ours-bisenet", "annotator"),
        )
    ]  # fmt: skip
    assert Trust().source().rule.one_piece
    assert len(Trust(method="ours-bisenet", subset="accepted").parts()) == 2


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Samples(samples=0), "--samples 0"),
        (lambda: Samples(samples=9, max_drawn=8), "--max-drawn 8"),
        (lambda: Samples(truncation=(2,)), "--truncation 2"),
        (lambda: Samples(threshold=1.0), "--threshold 1 is out of range"),
        (lambda: Samples(seed=-1), "--seed -1"),
        (lambda: Samples(method="outs").parts(), "Did you mean 'ours'"),
        (lambda: Samples(annotator="human").parts(), "eval images scores against them"),
        (lambda: Samples(screen_weights=Path("a")).parts(), "--screen-weights applies only to"),
        (lambda: Samples(dataset="cat", foreground=("hair",)).parts(), "mask-rcnn is not one"),
        (lambda: Images(limit=0), "--limit 0"),
        (lambda: Images(method="bisenet", annotator="bisenet").parts(), "its own masks"),
        (lambda: Images(method="bisenet", min_area=0.1).parts(), "--min-area applies only with"),
        (lambda: Images(method="bisenet", level=3).parts(), "--level applies to grey mask files"),
        (lambda: Trust(truth="exat").parts(), "Did you mean 'exact'"),
        (lambda: Trust(annotator="exact").parts(), "can be made for no others"),
        (lambda: Quality(method="real", truncation=(1,)).parts(), "take no --generator"),
        (lambda: Quality(samples=1), "--samples 1"),
    ],
)
def test_what_cannot_be_meant_is_one_line(make: Any, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)
