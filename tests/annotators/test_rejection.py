"""Rejection on objects that are drawn by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from l4f_bench.annotators.coco import COCO_CLASSES
from l4f_bench.annotators.rejection import (
    Instances,
    RejectionRule,
    as_annotation,
    judge,
    rule_of,
    whole_masks,
)
from l4f_bench.errors import InputError

CAT, DOG = COCO_CLASSES.index("cat"), COCO_CLASSES.index("dog")


def objects(*found: tuple[int, float, tuple[int, int]]) -> Instances:
    """Objects (class, score, rows they cover) in an image of 10 x 10."""
    masks = torch.zeros(len(found), 10, 10, dtype=torch.bool)
    for mask, (_, _, (start, stop)) in zip(masks, found, strict=True):
        mask[start:stop] = True
    labels = torch.tensor([label for label, _, _ in found], dtype=torch.int64)
    return whole_masks(labels, torch.tensor([score for _, score, _ in found]), masks)


RULE = RejectionRule(target_class="cat", min_score=0.5, min_area=0.2)


@pytest.mark.parametrize(
    ("found", "reason", "num", "rows"),
    [
        ([], "no-instance", 0, 0),
        ([(DOG, 0.9, (0, 5))], "no-instance", 0, 0),
        ([(CAT, 0.5, (0, 5))], "no-instance", 0, 0),  # the threshold itself is not above it
        ([(CAT, 0.51, (0, 5))], None, 1, 5),
        ([(CAT, 0.9, (0, 5)), (DOG, 0.99, (5, 10))], None, 1, 5),
        ([(CAT, 0.9, (0, 5)), (CAT, 0.4, (5, 10))], None, 1, 5),
        ([(CAT, 0.9, (0, 5)), (CAT, 0.6, (4, 8))], "several-instances", 2, 8),
        ([(CAT, 0.9, (0, 1)), (CAT, 0.6, (0, 1))], "several-instances", 2, 1),
        ([(CAT, 0.9, (0, 1))], "too-small", 1, 1),
        ([(CAT, 0.9, (0, 2))], None, 1, 2),
    ],
)
def test_exactly_one_object_of_the_class_is_accepted(
    found: list[tuple[int, float, tuple[int, int]]], reason: str | None, num: int, rows: int
) -> None:
    verdict = judge(objects(*found), RULE)
    assert (verdict.reason, verdict.num_instances) == (reason, num)
    assert verdict.mask.any(1).sum() == rows
    assert verdict.area == pytest.approx(rows / 10)
    assert (verdict.score is None) == (num == 0)


def test_score_is_that_of_the_surest_object_that_counts() -> None:
    found = objects((DOG, 0.99, (0, 1)), (CAT, 0.6, (0, 5)), (CAT, 0.75, (5, 6)))
    assert judge(found, RULE).score == pytest.approx(0.75)


def test_only_masks_that_count_are_asked_for() -> None:
    asked: list[list[int]] = []

    def union(index: Tensor) -> Tensor:
        asked.append(index.tolist())
        return torch.ones(4, 4, dtype=torch.bool)

    labels, scores = torch.tensor([DOG, CAT, CAT]), torch.tensor([0.9, 0.8, 0.3])
    judge(Instances(labels=labels, scores=scores, union=union), RULE)
    assert asked == [[1]]


def test_verdicts_become_the_annotation_of_a_batch() -> None:
    verdicts = [judge(objects((CAT, 0.75, (0, 5))), RULE), judge(objects(), RULE)]
    annotation = as_annotation(verdicts)
    assert annotation.mask.shape == (2, 10, 10)
    assert annotation.reason == (None, "no-instance")
    assert annotation.accepted == (True, False)
    assert annotation.score == (0.75, None)


def test_classes_stand_in_the_order_of_detectron2() -> None:
    assert len(set(COCO_CLASSES)) == 80
    index = {"person": 0, "car": 2, "cat": 15, "horse": 17, "banana": 46, "toothbrush": 79}
    assert all(COCO_CLASSES[number] == name for name, number in index.items())


@pytest.mark.parametrize("dataset", ["ffhq", "car", "cat", "horse"])
def test_every_data_set_of_the_paper_has_its_class(dataset: str) -> None:
    expected = {"ffhq": 0, "car": 2, "cat": 15, "horse": 17}
    assert rule_of(dataset).class_index == expected[dataset]


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"Unknown class 'hose'\. Did you mean 'horse'\?"):
        RejectionRule(target_class="hose")
    with pytest.raises(InputError, match=r"Did you mean 'cat'\?"):
        rule_of("cats")


@pytest.mark.parametrize("name", ["min_score", "min_area"])
@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_numbers_beyond_0_and_1_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} .* is out of range"):
        RejectionRule(target_class="cat", **{name: value})
