"""The one loop of every evaluation of masks: shard, predict, ask for the truth, count, gather.

Images are taken in the order of their index, so a result does not depend on the batch size, the
number of processes or that of workers, and a longer evaluation begins with the shorter one. A
worker sees its batch through, from decoding to counting, so that no stage waits for another's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l4f_bench.cores import Cores
from l4f_bench.distributed import gathered
from l4f_bench.evaluation.controls import Controls, Looked
from l4f_bench.evaluation.difficulty import Difficulty, difficulty_of
from l4f_bench.evaluation.mask_notes import MaskNote
from l4f_bench.metrics.counts import COUNT_NAMES, NUM_LEVELS, count_levels, count_pixels
from l4f_bench.progress import Advance
from l4f_bench.rounds import Round, rounds

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One image's prediction beside its true mask."""

    index: int
    key: int | str
    """Name of the image, or a sample's index."""
    preds: npt.NDArray[np.bool_]
    """``[H, W]``."""
    target: npt.NDArray[np.bool_]
    """``[H, W]``."""
    levels: npt.NDArray[np.uint8] | None = None
    """The prediction as grey levels ``[H, W]``, where every threshold is to be counted."""
    bars: npt.NDArray[np.bool_] | None = None
    """Rows ``[H]`` that are letterbox bars, where these are to be left out as well."""
    reason: str | None = None
    """Why the image is not fit to be scored; None if it is."""
    preds_name: str | None = None
    """File of the prediction."""
    counted: npt.NDArray[np.bool_] | None = None
    """Pixels ``[H, W]`` that count; None for all."""
    note: MaskNote | None = None
    """What there is to say of the files."""
    num_objects: int | None = None
    """Objects that the image shows; None where nobody says."""
    image: npt.NDArray[np.uint8] | None = None
    """Pixels ``[3, H, W]`` RGB, where they are at hand."""


class Scene(Protocol):
    """What is scored against what, by index."""

    @property
    def cores(self) -> Cores:
        """Workers that pair batches; each network is called in its :meth:`Cores.turn`."""

    def pairs(self, indices: Sequence[int]) -> list[Pair]:
        """Predictions of a batch with their true masks, in order; called in several threads.

        Images that do not take part are left out.
        """

    def pixels(self, pair: Pair) -> npt.NDArray[np.uint8] | None:
        """The image of a pair, uint8 ``[3, H, W]`` RGB; None where none is at hand."""


@dataclass(frozen=True, slots=True)
class Row:
    """One image, counted; arrays as in :mod:`l4f_bench.metrics.counts`."""

    index: int
    key: int | str
    preds_name: str | None
    reason: str | None
    note: MaskNote | None
    difficulty: Difficulty
    num_objects: int | None
    counts: IntArray
    levels: IntArray | None
    counts_without_bars: IntArray | None
    levels_without_bars: IntArray | None


@dataclass(slots=True)
class Counts:
    """Pixel counts of the images that were accepted, and what became of the others."""

    drawn: int = 0
    """Images looked at."""
    rows: list[Row] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    """Number of rejected images by reason."""
    controls: Controls = field(default_factory=Controls)
    """What masks that never look score on the same images."""

    def add(self, row: Row, looked: Looked) -> None:
        """Take in the next image."""
        self.drawn = row.index + 1
        if row.reason is None:
            self.rows.append(row)
            self.controls.add(looked)
        else:
            self.rejected[row.reason] += 1

    @property
    def notes(self) -> list[MaskNote | None]:
        """What there is to say of each image's files."""
        return [row.note for row in self.rows]

    @property
    def table(self) -> IntArray:
        """tp, fp, fn, tn of each image, int64 ``[N, 4]``."""
        return np.array([row.counts for row in self.rows], np.int64).reshape(-1, len(COUNT_NAMES))

    @property
    def levels(self) -> IntArray | None:
        """Counts by grey level ``[N, 2, 256]``, where they were asked for."""
        return _stacked([row.levels for row in self.rows], (2, NUM_LEVELS))

    @property
    def table_without_bars(self) -> IntArray | None:
        """As ``table`` without letterbox bars, where there are some."""
        return _stacked([row.counts_without_bars for row in self.rows], (len(COUNT_NAMES),))

    @property
    def levels_without_bars(self) -> IntArray | None:
        """As ``levels`` without letterbox bars, where there are some."""
        return _stacked([row.levels_without_bars for row in self.rows], (2, NUM_LEVELS))


def count_images(
    scene: Scene,
    *,
    most: int,
    first: int = 0,
    wanted: int | None = None,
    batch_size: int,
    advance: Advance,
) -> Counts:
    """Count the pixels of images until enough are accepted, or there are no more.

    Args:
        scene: Gives predictions and true masks.
        most: Number of images there are.
        first: Image to begin with.
        wanted: How many accepted images are enough; None for all.
        batch_size: Images of a worker at a time.
        advance: Called with the number of images newly done: accepted ones where ``wanted``.
    """
    result = Counts()
    todo = rounds(range(first, most), batch_size)
    with closing(scene.cores.ahead(lambda round_: _counted(scene, round_), todo)) as counted:
        for round_, own in counted:
            before = len(result.rows)
            for row, looked in sorted(chain(*gathered(own)), key=lambda one: one[0].index):
                result.add(row, looked)
                if len(result.rows) == wanted:
                    break
            else:
                result.drawn = round_.span.stop
            done = len(round_.span) if wanted is None else len(result.rows) - before
            advance(done)
            if len(result.rows) == wanted:
                break
    return result


def _counted(scene: Scene, round_: Round) -> tuple[Round, list[tuple[Row, Looked]]]:
    """A round with this process's images of it, without their pixels."""
    pairs = scene.pairs(round_.own) if round_.own else []  # of the last round, some get nothing
    return round_, [
        (_row(pair), Looked.at(pair.preds, pair.target, pair.counted)) for pair in pairs
    ]


def _row(pair: Pair) -> Row:
    counts, levels = _count(pair, pair.counted)
    counts_without_bars = levels_without_bars = None
    if pair.bars is not None:
        inside = np.broadcast_to(~pair.bars[:, None], pair.preds.shape)
        inside = inside if pair.counted is None else inside & pair.counted
        counts_without_bars, levels_without_bars = _count(pair, inside)
    return Row(
        index=pair.index,
        key=pair.key,
        preds_name=pair.preds_name,
        reason=pair.reason,
        note=pair.note,
        difficulty=difficulty_of(pair.target, pair.image, pair.counted),
        num_objects=pair.num_objects,
        counts=counts,
        levels=levels,
        counts_without_bars=counts_without_bars,
        levels_without_bars=levels_without_bars,
    )


def _count(pair: Pair, counted: npt.NDArray[np.bool_] | None) -> tuple[IntArray, IntArray | None]:
    """Counts of the pixels that count, by threshold as well where that is asked for."""
    preds, target, levels = pair.preds, pair.target, pair.levels
    if counted is not None:  # in one row
        preds, target = preds[counted][None], target[counted][None]
        levels = None if levels is None else levels[counted][None]
    return (
        count_pixels(preds, target),
        None if levels is None else count_levels(levels, target),
    )


def _stacked(parts: list[IntArray | None], shape: tuple[int, ...]) -> IntArray | None:
    found = [part for part in parts if part is not None]
    return np.array(found, np.int64).reshape(-1, *shape) if found else None
