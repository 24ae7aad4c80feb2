"""What a user should know about the mask files that were scored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.mask_levels import (
    OTHER_LEVELS,
    MaskFile,
    MaskUse,
    mask_warnings,
    soft_warning,
)
from l4f_bench.metrics.counts import count_pixels
from l4f_bench.metrics.intervals import point_scores
from l4f_bench.metrics.protocols import Protocol

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_Cut = Callable[[int, MaskFile], tuple[BoolArray, BoolArray]]
"""Predicted and true mask if a file is cut at a level."""

FEW_IMAGES = 30
"""Below it percentile intervals are optimistic."""


@dataclass(frozen=True, slots=True)
class SideNote:
    """One mask of a pair."""

    use: MaskUse
    moved: IntArray
    """Counts ``[2, 4]`` with this mask cut at ``OTHER_LEVELS``."""


@dataclass(frozen=True, slots=True)
class MaskNote:
    """What there is to say of one pair of masks."""

    preds: SideNote | None
    """None where the prediction is not a file."""
    target: SideNote | None
    """None where the truth is not a file."""
    num_ignored: int
    """Pixels that do not count since the true mask has the level to ignore there."""
    is_black: bool
    """Whether all rows are letterbox bars."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """How mask files are read."""

    level: int
    """Grey level (8-bit scale) from which a pixel is foreground."""
    invert: bool = False
    """Predictions are black on the object."""
    ignore_level: int | None = None
    """Level of the true masks whose pixels do not count."""


def note_of(
    preds: tuple[BoolArray, MaskFile | None],
    target: tuple[BoolArray, MaskFile | None],
    counted: BoolArray | None,
    *,
    is_black: bool,
) -> MaskNote | None:
    """A note on one pair of masks, each with its file; None where neither is a file.

    Args:
        preds: Predicted mask.
        target: True mask.
        counted: Pixels that count; None for all.
        is_black: Whether all rows are letterbox bars.
    """
    if preds[1] is None and target[1] is None:
        return None
    ignored = 0 if counted is None else counted.size - int(np.count_nonzero(counted))
    as_cut = _counts(preds[0], target[0], counted)

    def side(file: MaskFile | None, cut: _Cut) -> SideNote | None:
        if file is None:
            return None
        if not file.use.is_grey:  # black and white masks are the same at any level
            return SideNote(file.use, np.stack([as_cut] * len(OTHER_LEVELS)))
        moved = [_counts(*cut(level, file), counted) for level in OTHER_LEVELS]
        return SideNote(file.use, np.stack(moved))

    return MaskNote(
        side(preds[1], lambda level, file: (file.levels >= level, target[0])),
        side(target[1], lambda level, file: (preds[0], file.levels >= level)),
        ignored,
        is_black,
    )


def _counts(preds: BoolArray, target: BoolArray, counted: BoolArray | None) -> IntArray:
    if counted is not None:
        preds, target = preds[counted][None], target[counted][None]
    return count_pixels(preds, target)


def pair_warnings(
    notes: Sequence[MaskNote | None], protocol: Protocol, reading: Reading
) -> list[str]:
    """Sentences about levels, bars and the number of images; none where nothing is odd."""
    present = [note for note in notes if note is not None]
    found = []
    for kind, side in (("predicted", "preds"), ("true", "target")):
        own = [getattr(note, side) for note in present if getattr(note, side) is not None]
        if own:
            invert = reading.invert and side == "preds"
            found += _side_warnings(own, kind, protocol, replace(reading, invert=invert))
    if num_black := sum(note.is_black for note in present):
        found.append(f"{num_black} images are black all over, so that no pixel of theirs counts.")
    ignored = reading.ignore_level
    if ignored is not None and not any(note.num_ignored for note in present):
        found.append(f"No true mask has the level {ignored} of --ignore-level.")
    return found + few_images_warning(len(notes))


def few_images_warning(number: int) -> list[str]:
    """A sentence on intervals over few images; none where there are enough, or none."""
    if not 1 < number < FEW_IMAGES:
        return []
    return [
        f"The intervals are over {number} images; below {FEW_IMAGES} percentile intervals are "
        "optimistic: too narrow."
    ]


def _side_warnings(
    notes: list[SideNote], kind: str, protocol: Protocol, reading: Reading
) -> list[str]:
    uses = [note.use for note in notes]
    moved = np.stack([note.moved for note in notes])
    scores = [
        point_scores(protocol, moved[:, place])["miou"].value for place in range(moved.shape[1])
    ]
    soft = soft_warning(uses, kind, reading.level, scores)
    warnings = mask_warnings(uses, kind, reading.level, invert=reading.invert)
    return [*warnings, soft] if soft else warnings
