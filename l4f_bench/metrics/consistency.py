"""Can one confusion matrix give a row of printed scores, and at which rounding does it fail to?

The two IoUs a (foreground) and b (background) fix the shares of all pixels that are hits of each
class and errors, e = 1 / (1 + a / (1 - a) + b / (1 - b)); so they fix accuracy (1 - e) and each
class's F1, 2a / (1 + a) and 2b / (1 + b). What is left free is how the errors split into false
positives (share s) and false negatives (1 - s), which moves precision and recall. A confusion
matrix is thus three numbers, searched here in log-odds: a, b and s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np

from l4f_bench.metrics.scores import TABLE_METRICS, FloatArray

Classes = Literal["both", "foreground"]
"""Classes over which F1, precision and recall are averaged."""

IOUS = ("iou_fg", "iou_bg")
_REACH = 14.0  # log-odds of 1 - 1e-6
_NUM_IOUS, _NUM_SPLITS, _NUM_STARTS = 29, 57, 8
_CLOSE = 1e-7
"""What the search may miss by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fit:
    """How well confusion matrices fit a row."""

    fits_from: float
    """The smallest rounding at which one matrix gives every cell: how far the worst cell then lies
    from what is printed."""
    wrong: dict[str, tuple[float, float]]
    """The fewest cells without which the others fit at the row's own rounding, each with the
    lowest and highest value that the others allow; empty if all fit."""


def fit(printed: Mapping[str, float], rounding: float, classes: Classes = "both") -> Fit:
    """Search the confusion matrix that lies closest to the printed scores.

    Args:
        printed: Two or more scores in [0, 1] by name, of :data:`TABLE_METRICS`.
        rounding: How far a printed score may lie from the exact one.
        classes: Over which F1, precision and recall are averaged.
    """
    worst, _ = _closest(printed, rounding, classes)
    if worst <= rounding + _CLOSE:
        return Fit(fits_from=worst, wrong={})
    wrong = _fewest(printed, rounding, classes)
    rest = {key: value for key, value in printed.items() if key not in wrong}
    _, start = _closest(rest, rounding, classes)
    allowed = {key: _allowed(key, rest, rounding, classes, start) for key in wrong}
    return Fit(fits_from=worst, wrong=allowed)


def scores_of_shares(
    a: FloatArray, b: FloatArray, split: FloatArray, classes: Classes = "both"
) -> dict[str, FloatArray]:
    """Scores of the confusion matrix with IoUs ``a`` and ``b`` and a share of false positives."""
    errors = 1 / (1 + a / (1 - a) + b / (1 - b))
    tp, tn = errors * a / (1 - a), errors * b / (1 - b)
    fp, fn = errors * split, errors * (1 - split)
    found = {
        "iou_fg": a,
        "iou_bg": b,
        "miou": (a + b) / 2,
        "f1": 2 * a / (1 + a),
        "precision": tp / (tp + fp),
        "recall": tp / (tp + fn),
        "accuracy": 1 - errors,
    }
    if classes == "both":
        of_background = {
            "f1": 2 * b / (1 + b),
            "precision": tn / (tn + fn),
            "recall": tn / (tn + fp),
        }
        found |= {key: (found[key] + value) / 2 for key, value in of_background.items()}
    return found


def _fewest(printed: Mapping[str, float], rounding: float, classes: Classes) -> tuple[str, ...]:
    """The fewest cells to leave out; of equally many those without IoUs, then the best fit."""
    keys = [key for key in TABLE_METRICS if key in printed]
    for size in range(1, len(keys) - 1):
        misses = {}
        for left_out in combinations(keys, size):
            rest = {key: printed[key] for key in keys if key not in left_out}
            misses[left_out] = _closest(rest, rounding, classes)[0]
        fitting = [left_out for left_out in misses if misses[left_out] <= rounding + _CLOSE]
        if fitting:
            return min(fitting, key=lambda out: (len(set(out) & set(IOUS)), misses[out]))
    return tuple(keys[1:])


def _closest(
    printed: Mapping[str, float], rounding: float, classes: Classes
) -> tuple[float, FloatArray]:
    """The least that the worst cell is off by, and the matrix of it in log-odds."""
    off = _distances(printed, classes)
    best, where = np.inf, np.zeros(3)
    for start in _starts(printed, rounding, classes):
        found = _solve(
            np.append(start, np.abs(off(start)).max()),
            lambda x: x[3],
            lambda x: np.concatenate([x[3] - off(x[:3]), x[3] + off(x[:3])]),
        )
        worst = float(np.abs(off(found[:3])).max())
        if worst < best:
            best, where = worst, found[:3]
        if best <= _CLOSE:
            break
    return best, where


def _allowed(
    key: str, rest: Mapping[str, float], rounding: float, classes: Classes, start: FloatArray
) -> tuple[float, float]:
    """Lowest and highest value of a score where the ``rest`` is off by no more than rounding."""
    off = _distances(rest, classes)

    def room(x: FloatArray) -> FloatArray:
        return rounding + _CLOSE - np.abs(off(x))

    def score(x: FloatArray) -> float:
        return float(_scores(x, [key], classes)[0])

    reached = [score(start)]
    for split in (start[2], -2.0, 0.0, 2.0):
        begin = np.array([start[0], start[1], split])
        for found in (_solve(begin, score, room), _solve(begin, lambda x: -score(x), room)):
            if room(found).min() >= -1e-6:
                reached.append(score(found))
    return min(reached), max(reached)


def _distances(
    printed: Mapping[str, float], classes: Classes
) -> Callable[[FloatArray], FloatArray]:
    """What tells how far each score of a matrix lies from what is printed."""
    targets = np.array(list(printed.values()))
    return lambda log_odds: _scores(log_odds, printed, classes) - targets


def _solve(start: FloatArray, objective: Any, constraints: Any) -> FloatArray:
    from scipy.optimize import minimize

    found = minimize(
        objective,
        start,
        method="SLSQP",
        bounds=[(-_REACH, _REACH)] * 3 + [(0, 1)] * (len(start) - 3),
        constraints={"type": "ineq", "fun": constraints},
        options={"ftol": 1e-10, "maxiter": 100},
    )
    return np.asarray(found.x)


def _starts(printed: Mapping[str, float], rounding: float, classes: Classes) -> list[FloatArray]:
    """Where to begin: the best points of a grid, each with another split of the errors."""
    axes = [
        _log_odds(printed[key] + rounding * np.linspace(-0.9, 0.9, 5))
        if key in printed
        else np.linspace(-_REACH / 2, _REACH / 2, _NUM_IOUS)
        for key in IOUS
    ]
    axes.append(np.linspace(-_REACH / 2, _REACH / 2, _NUM_SPLITS))
    grid = np.stack(np.meshgrid(*axes, indexing="ij"))
    targets = np.array(list(printed.values())).reshape(-1, 1, 1, 1)
    off = np.abs(_scores(grid, printed, classes) - targets).max(0).reshape(-1, _NUM_SPLITS)
    points = grid.reshape(3, -1, _NUM_SPLITS)
    rows, best = off.argmin(0), off.min(0)
    chosen = np.argsort(best, kind="stable")[:_NUM_STARTS]
    return [points[:, rows[split], split] for split in chosen]


def _scores(log_odds: FloatArray, keys: Any, classes: Classes) -> FloatArray:
    a, b, split = (1 / (1 + np.exp(-axis)) for axis in log_odds)
    scores = scores_of_shares(a, b, split, classes)
    return np.stack([scores[key] for key in keys])


def _log_odds(share: FloatArray) -> FloatArray:
    clipped = share.clip(1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))
