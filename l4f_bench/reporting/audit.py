"""Can one pooled confusion matrix give the numbers that a published row prints?

The arithmetic: with pooling, the two IoUs a (foreground) and b (background) fix the shares of all
pixels that are hits of each class and errors, e = 1 / (1 + a / (1 - a) + b / (1 - b)); so they fix
accuracy (1 - e) and each class's F1, 2a / (1 + a) and 2b / (1 + b). A class's precision and recall
lie between its IoU and 1. What is left free is how the errors split into false positives (share
s) and false negatives (1 - s), which moves precision and recall together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from l4f_bench.metrics.scores import FloatArray
from l4f_bench.reporting.published import MASK_TABLES, PublishedRow, published_rows

ROUNDING = 0.0055
"""How far a printed number may lie from the exact one: four digits (as the released script
prints them) rounded to three and then to two, the worst that rounding in steps can do. Rounding
once (0.00505) would leave a third row out, PSeg on cats, whose accuracy then misses by 0.0006; we
took the wider bound after seeing that, as a contradiction should not rest on a rounding habit."""

IOUS = ("iou_fg", "iou_bg")
FIXED = ("miou", "f1", "accuracy")
BOUNDED = ("precision", "recall")

_ALMOST_1 = 1 - 1e-6
_MAX_LOG_ODDS = 12.0
_STEPS = (11, 11, 301)
_ZOOMS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedRow:
    """A published row and the cells that contradict its IoUs."""

    row: PublishedRow
    cells: tuple[str, ...]
    """Cells outside of what the two IoUs fix or bound, each taken by itself."""
    split_cells: tuple[str, ...]
    """Further cells that no one split of the errors can give together with the others."""

    @property
    def consistent(self) -> bool:
        """Whether one confusion matrix can give the whole row."""
        return not self.cells and not self.split_cells


def audit(tables: Iterable[int] = MASK_TABLES) -> list[AuditedRow]:
    """Check every published row of mask scores."""
    return [audit_row(row) for table in tables for row in published_rows(table)]


def audit_row(row: PublishedRow) -> AuditedRow:
    """Check one row. Exchanging its fg and bg changes nothing."""
    cells = tuple(
        key
        for key, (low, high) in bounds(row.printed).items()
        if not low - ROUNDING <= row.printed[key] <= high + ROUNDING
    )
    rest = [key for key in FIXED + BOUNDED if key not in cells]
    return AuditedRow(row=row, cells=cells, split_cells=_split_cells(row.printed, rest))


def bounds(printed: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Lowest and highest exact value of each cell that the two printed IoUs allow."""
    corners = {}
    for sign in (-1, 1):
        a, b = (np.clip(printed[key] + sign * ROUNDING, 0, _ALMOST_1) for key in IOUS)
        corners[sign] = scores_of_shares(a, b, np.array(0.5))
    # All of these grow with both IoUs, so the corners of the rounding box bound them.
    found = {key: (float(corners[-1][key]), float(corners[1][key])) for key in FIXED}
    return found | dict.fromkeys(BOUNDED, (found["miou"][0], 1.0))


def scores_of_shares(a: FloatArray, b: FloatArray, split: FloatArray) -> dict[str, FloatArray]:
    """Scores of the confusion matrix with IoUs ``a`` and ``b`` and a share of false positives."""
    errors = 1 / (1 + a / (1 - a) + b / (1 - b))
    tp, tn = errors * a / (1 - a), errors * b / (1 - b)
    fp, fn = errors * split, errors * (1 - split)
    return {
        "iou_fg": a,
        "iou_bg": b,
        "miou": (a + b) / 2,
        "f1": a / (1 + a) + b / (1 + b),
        "precision": (tp / (tp + fp) + tn / (tn + fn)) / 2,
        "recall": (tp / (tp + fn) + tn / (tn + fp)) / 2,
        "accuracy": 1 - errors,
    }


def _split_cells(printed: dict[str, float], keys: list[str]) -> tuple[str, ...]:
    """The fewest of precision and recall to leave out so that the other ``keys`` fit at once."""
    for size in range(len(BOUNDED)):
        fits = {
            left_out: _worst_excess(printed, [key for key in keys if key not in left_out])
            for left_out in combinations(BOUNDED, size)
        }
        best = min(fits, key=lambda left_out: fits[left_out])
        if fits[best] <= 0:
            return best
    return BOUNDED


def _worst_excess(printed: dict[str, float], keys: list[str]) -> float:
    """How far beyond its rounding the worst cell lies in the best case; 0 or less if all fit.

    The best case is searched on a grid over a, b and the split that closes in on its minimum.
    All three are spaced in log-odds, since precision and recall turn sharply near their ends.
    """
    ious = np.array([printed[key] for key in IOUS])
    floor = np.append(_log_odds(ious - ROUNDING), -_MAX_LOG_ODDS)
    ceiling = np.append(_log_odds(ious + ROUNDING), _MAX_LOG_ODDS)
    low, high, best = floor, ceiling, np.inf
    for _ in range(_ZOOMS):
        axes = [np.linspace(*ends) for ends in zip(low, high, _STEPS, strict=True)]
        grid = np.meshgrid(*axes, indexing="ij")
        scores = scores_of_shares(*(1 / (1 + np.exp(-log_odds)) for log_odds in grid))
        excess = np.max(
            [abs(scores[key] - printed[key]) - ROUNDING for key in (*IOUS, *keys)], axis=0
        )
        best = min(best, float(excess.min()))
        if best <= 0:
            break
        where = np.unravel_index(excess.argmin(), excess.shape)
        centre = np.array([axis[i] for axis, i in zip(axes, where, strict=True)])
        reach = (high - low) / 3
        low, high = np.maximum(centre - reach, floor), np.minimum(centre + reach, ceiling)
    return best


def _log_odds(share: FloatArray) -> FloatArray:
    odds = 1 / (1 / share.clip(1e-6, _ALMOST_1) - 1)
    return np.asarray(np.log(odds))
