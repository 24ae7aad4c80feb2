from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassF1Score,
    MulticlassJaccardIndex,
    MulticlassPrecision,
    MulticlassRecall,
)

from l4f_bench.metrics.counts import count_levels, count_pixels
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS, FMeasure, Protocol
from l4f_bench.metrics.scores import METRICS, TABLE_METRICS, Empty
from tests.goldens import golden_case

LEVELS = hnp.arrays(np.uint8, (4, 6, 6))
TARGETS = hnp.arrays(bool, (4, 6, 6))


def score(name: str, preds: np.ndarray, target: np.ndarray) -> dict[str, float | None]:
    """Scores of grey predictions ``[N, H, W]`` at level 128."""
    counts = np.stack([count_pixels(p >= 128, t) for p, t in zip(preds, target, strict=True)])
    levels = np.stack([count_levels(p, t) for p, t in zip(preds, target, strict=True)])
    found = estimate(PROTOCOLS.get(name), counts, levels, num_resamples=1)
    return {key: value.value for key, value in found.items()}


def some_masks(seed: int = 0, n: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.random((n, 24, 24)) < rng.random((n, 1, 1))
    noise = rng.normal(0, 90, target.shape)
    return np.clip(80 + 100 * target + noise, 0, 255).astype(np.uint8), target


def test_l4f_agrees_with_torchmetrics() -> None:
    grey, target = some_masks()
    preds, truth = torch.from_numpy(grey >= 128).long(), torch.from_numpy(target).long()
    ours = score("l4f", grey, target)
    iou = MulticlassJaccardIndex(2, average="none")(preds, truth)
    assert ours["iou_bg"] == pytest.approx(float(iou[0]), abs=1e-6)
    assert ours["iou_fg"] == pytest.approx(float(iou[1]), abs=1e-6)
    assert ours["miou"] == pytest.approx(float(iou.mean()), abs=1e-6)
    for key, metric in (
        ("f1", MulticlassF1Score(2, average="macro")),
        ("precision", MulticlassPrecision(2, average="macro")),
        ("recall", MulticlassRecall(2, average="macro")),
        ("accuracy", MulticlassAccuracy(2, average="micro")),
    ):
        assert ours[key] == pytest.approx(float(metric(preds, truth)), abs=1e-6)


def test_l4f_reproduces_the_released_script() -> None:
    case = golden_case("l4f_metrics")
    preds, target = case.arrays["in_pred"] == 255, case.arrays["in_gt"] == 255
    counts = np.stack([count_pixels(p, t) for p, t in zip(preds, target, strict=True)])
    tp, fp, fn, tn = counts.sum(0)
    assert case.arrays["out_confusion"].tolist() == [[tn, fp], [fn, tp]]
    scores = estimate(PROTOCOLS.get("l4f"), counts, num_resamples=1)
    printed = case.arrays["out_table"]
    tolerance = case.meta["outputs"]["out_table"]["atol"]
    assert scores["iou_bg"].value == pytest.approx(printed[0, 0], abs=tolerance)
    assert scores["iou_fg"].value == pytest.approx(printed[1, 0], abs=tolerance)
    for column, key in enumerate(("miou", "f1", "precision", "recall", "accuracy")):
        assert scores[key].value == pytest.approx(printed[2, column], abs=tolerance)
    assert scores["miou"].value == pytest.approx(float(case.arrays["out_miou"]), abs=1e-12)


def test_pooled_and_per_image_averages_differ_as_they_should() -> None:
    """A large object found and a tiny one half missed: pooled IoU is high, the mean is not."""
    target = np.zeros((2, 10, 10), bool)
    target[0, :8], target[1, 0, :2] = True, True
    preds = target.copy()
    preds[1, 0, 1] = False
    grey = np.where(preds, 255, 0).astype(np.uint8)
    assert score("l4f", grey, target)["iou_fg"] == pytest.approx(81 / 82)
    assert score("voynov", grey, target)["iou_fg"] == pytest.approx((1 + 1 / 2) / 2)
    drc = score("drc", grey, target)
    assert drc["iou_fg"] == pytest.approx(81 / 82)
    assert drc["iou_fg_image"] == pytest.approx(0.75)
    assert drc["dice_image"] == pytest.approx((1 + 2 / 3) / 2)


def f_curve(preds: np.ndarray, target: np.ndarray, beta_sq: float, empty: float) -> np.ndarray:
    """F-beta at each threshold ``preds / 255 > k / 255``, straight from the definition."""
    curve = []
    for k in range(255):
        hard = preds.astype(int) > k
        tp = (hard & target).sum()
        precision = tp / hard.sum() if hard.any() else empty
        recall = tp / target.sum() if target.any() else empty
        bottom = beta_sq * precision + recall
        curve.append((1 + beta_sq) * precision * recall / bottom if bottom else 0.0)
    return np.array(curve)


@settings(max_examples=25)
@given(LEVELS, TARGETS)
def test_max_f_beta_follows_its_two_definitions(preds: np.ndarray, target: np.ndarray) -> None:
    target[0, 0, 0] = True  # some foreground, or the scores are undefined
    pairs = list(zip(preds, target, strict=True))
    mean_first = np.mean([f_curve(p, t, 0.3, 1.0) for p, t in pairs], axis=0).max()
    image_first = np.mean([f_curve(p, t, 0.09, 0.0).max() for p, t in pairs])
    assert score("voynov", preds, target)["max_f_beta"] == pytest.approx(mean_first)
    assert score("selfmask", preds, target)["max_f_beta"] == pytest.approx(image_first)


@pytest.mark.parametrize("pooling", ["set", "image"])
@pytest.mark.parametrize(("best_of", "best"), [("image", (4 / 5 + 1) / 2), ("mean", 5 / 6)])
def test_per_image_scores_and_max_f_beta_stand_side_by_side(
    pooling: Literal["set", "image"], best_of: Literal["mean", "image"], best: float
) -> None:
    target = np.array([[[1, 1, 0, 0]], [[1, 0, 0, 0]]], bool)
    grey = np.array([[[200, 100, 150, 0]], [[255, 120, 0, 0]]], np.uint8)
    protocol = Protocol(
        name="both",
        title="",
        source="",
        pooling=pooling,
        classes="foreground",
        empty=Empty(iou=0.0, ratio=0.0),
        f_measure=FMeasure(beta_sq=1.0, best_of=best_of),
        image_extras=True,
    )
    counts = np.array([[1, 1, 1, 1], [1, 0, 0, 3]])  # of both at level 128
    levels = np.stack([count_levels(g, t) for g, t in zip(grey, target, strict=True)])
    found = estimate(protocol, counts, levels, num_resamples=1)
    assert found["iou_fg_image"].value == pytest.approx((1 / 3 + 1) / 2)
    assert found["dice_image"].value == pytest.approx((1 / 2 + 1) / 2)
    # F1 of the images at 1, 101, 121, 151 and 201: 4/5, 1/2, 1/2, 2/3, 0 and 2/3, 2/3, 1, 1, 1.
    assert found["max_f_beta"].value == pytest.approx(best)
    without = estimate(protocol, counts, num_resamples=1)
    assert "max_f_beta" not in without
    assert without["dice_image"].value == pytest.approx((1 / 2 + 1) / 2)


def test_max_f_beta_agrees_with_pysodmetrics() -> None:
    measures = pytest.importorskip("py_sod_metrics")
    grey, target = some_masks()
    # pysodmetrics cuts g / 255 * 255 down to whole numbers: keep to levels that survive this.
    exact = np.array([g for g in range(256) if int(g / 255 * 255) == g])
    grey = exact[np.searchsorted(exact, grey)].astype(np.uint8)
    grey[:, 0, 0], grey[:, 0, 1] = 0, 255  # and it stretches predictions to 0..255
    handler = measures.FmeasureHandler(with_dynamic=True, with_adaptive=False, beta=0.3)
    theirs = measures.FmeasureV2({"fm": handler})
    for preds, truth in zip(grey, target, strict=True):
        theirs.step(preds, truth.astype(np.uint8) * 255)
    curve = theirs.get_results()["fm"]["dynamic"]  # thresholds 255, 254, ..., 0
    best = float(np.max(curve[:-1]))  # ours has no threshold that accepts every pixel
    assert score("voynov", grey, target)["max_f_beta"] == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_every_protocol_reports_known_metrics_with_the_columns_of_the_tables(name: str) -> None:
    scores = score(name, *some_masks())
    assert tuple(scores) == PROTOCOLS.get(name).metrics
    assert tuple(scores)[: len(TABLE_METRICS)] == TABLE_METRICS
    assert set(scores) <= set(METRICS.names())
    assert all(value is not None and 0 <= value <= 1 for value in scores.values())


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_swapping_prediction_and_truth_swaps_precision_and_recall(name: str) -> None:
    grey, target = some_masks()
    there = score(name, grey, target)
    back = score(name, target.astype(np.uint8) * 255, grey >= 128)
    assert there["precision"] == pytest.approx(back["recall"])
    assert there["recall"] == pytest.approx(back["precision"])
    assert there["iou_fg"] == pytest.approx(back["iou_fg"])


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_scores_of_an_absent_class_are_undefined(name: str) -> None:
    nothing = np.zeros((3, 8, 8), np.uint8)
    scores = score(name, nothing, nothing.astype(bool))
    assert {key for key, value in scores.items() if value is not None} == {"iou_bg", "accuracy"}
    everything = ~nothing
    scores = score(name, everything, everything.astype(bool))
    assert scores["iou_bg"] is None
    assert scores["miou"] is None
    assert scores["iou_fg"] == 1
    assert (scores["f1"] is None) == (PROTOCOLS.get(name).classes == "both")


EMPTY_IMAGE_ANSWERS = {"l4f": 1.0, "voynov": 1.0, "selfmask": 0.5, "drc": 1.0}


@pytest.mark.parametrize("name", PROTOCOLS.names())
def test_one_image_without_object_among_others_has_its_stated_answer(name: str) -> None:
    target = np.zeros((2, 4, 4), bool)
    target[0, :2] = True
    scores = score(name, target.astype(np.uint8) * 255, target)
    assert scores["iou_fg"] == EMPTY_IMAGE_ANSWERS[name]
    if name == "drc":
        assert scores["iou_fg_image"] == 0.5


def test_an_object_that_is_never_predicted_scores_zero_not_undefined() -> None:
    target = np.zeros((1, 4, 4), bool)
    target[0, 0] = True
    scores = score("l4f", np.zeros((1, 4, 4), np.uint8), target)
    assert scores["iou_fg"] == 0
    assert scores["precision"] == pytest.approx((0 + 12 / 16) / 2)
    # Voynov's precision of an empty prediction is 1.
    assert score("voynov", np.zeros((1, 4, 4), np.uint8), target)["precision"] == 1
