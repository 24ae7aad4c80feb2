"""Two folders of masks to pixel counts, decoding and counting in parallel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l4f_bench.config import CountConfig
from l4f_bench.datasets.bars import Bars, black_rows
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.listing import printable
from l4f_bench.datasets.mask_files import ByteArray, read_mask
from l4f_bench.datasets.mask_levels import OTHER_LEVELS, MaskUse, use_of
from l4f_bench.datasets.pairs import list_images, pair_files
from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import BoolArray, count_levels, count_pixels
from l4f_bench.metrics.protocols import IntArray
from l4f_bench.progress import Advance


@dataclass(frozen=True, slots=True)
class MaskPair:
    """Files that belong together."""

    preds: Path
    target: Path
    names: tuple[str, str]
    """Of both files below their folders, to be printed."""
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """All pairs of two (or, with images, three) folders."""

    pairs: list[MaskPair]
    by_order: bool
    """Paired by natural order, because the names differ."""
    passed_over: list[str]
    """Sentences on files of the folders that are not read."""


@dataclass(frozen=True, slots=True)
class ImageCount:
    """What one pair of masks gives; arrays as in :mod:`l4f_bench.metrics.counts`."""

    counts: IntArray
    levels: IntArray | None
    counts_with_bars: IntArray
    levels_with_bars: IntArray | None
    moved: tuple[IntArray, IntArray]
    """Counts ``[2, 4]`` with the predicted mask, or the true one, cut at ``OTHER_LEVELS``."""
    uses: tuple[MaskUse, MaskUse]
    """How the files of predicted and true mask use their levels."""
    num_ignored: int
    """Pixels that are left out since the true mask has the level to ignore there."""
    bars: Bars | None = None
    """The bars of the image, where they are left out."""


def pair_folders(
    preds_dir: Path, target_dir: Path, images_dir: Path | None = None, limit: int | None = None
) -> Pairing:
    """Find the pairs of two folders, and the image of each pair if a third is given.

    Raises:
        InputError: A folder is missing or empty, or files are left unpaired.
    """
    preds, target = list_images(preds_dir), list_images(target_dir)
    found = pair_files(preds, target)
    images: dict[Path, Path] = {}
    listings, by_order = [preds, target], found.by_order
    if images_dir is not None:
        listings.append(list_images(images_dir))
        of_target = pair_files(target, listings[-1])
        images, by_order = dict(of_target.matched), by_order or of_target.by_order
    pairs = [
        MaskPair(
            one,
            other,
            (printable(preds.name(one)), printable(target.name(other))),
            images.get(other),
        )
        for one, other in found.matched[:limit]
    ]
    passed_over = [listing.passed_over for listing in listings if listing.passed_over]
    return Pairing(pairs, by_order, passed_over)


def count_pairs(
    pairs: list[MaskPair],
    config: CountConfig,
    *,
    with_levels: bool,
    advance: Advance,
) -> list[ImageCount]:
    """Count the pixels of all pairs, in order.

    Memory does not grow with the images, only with their counts.

    Args:
        pairs: Files to count.
        config: Threshold, inversion and threads.
        with_levels: Also count every threshold (4 kB an image), for F-measures.
        advance: Called with 1 after each pair.

    Raises:
        InputError: A file cannot be read, or the sizes of a pair differ.
    """
    depths = (
        Depth(len(pairs), lambda number: pairs[number].preds),
        Depth(len(pairs), lambda number: pairs[number].target),
    )

    def count(pair: MaskPair) -> ImageCount:
        return _count_pair(pair, config, depths, with_levels=with_levels)

    with ThreadPoolExecutor(config.workers or os.cpu_count() or 1) as pool:
        results = []
        for result in pool.map(count, pairs):
            results.append(result)
            advance(1)
        return results


def _count_pair(
    pair: MaskPair, config: CountConfig, depths: tuple[Depth, Depth], *, with_levels: bool
) -> ImageCount:
    """Read and count one pair of masks."""
    masks = read_mask(pair.preds, depths[0]), read_mask(pair.target, depths[1])
    preds, target = (mask.levels for mask in masks)
    _check_sizes(pair.preds, preds.shape, pair.target, target.shape)
    uses = use_of(pair.names[0], masks[0]), use_of(pair.names[1], masks[1], config.ignore_level)
    if config.invert:
        preds = ~preds
    shown = None if config.ignore_level is None else target != config.ignore_level
    whole = inside = _part(preds, target, shown)
    bars = _bars(pair, len(preds)) if config.ignore_bars else None
    if bars is not None:
        rows = np.broadcast_to(~bars.rows[:, None], preds.shape)
        inside = _part(preds, target, rows if shown is None else rows & shown)
    counts, levels = _count(*inside, config.level, with_levels)
    return ImageCount(
        counts,
        levels,
        *((counts, levels) if bars is None else _count(*whole, config.level, with_levels)),
        moved=_moved(*inside, config.level, uses, counts),
        uses=uses,
        num_ignored=0 if shown is None else shown.size - int(np.count_nonzero(shown)),
        bars=bars,
    )


def _part(
    preds: ByteArray, target: ByteArray, shown: BoolArray | None
) -> tuple[ByteArray, ByteArray]:
    """What counts of both: as it is, or in one row."""
    return (preds, target) if shown is None else (preds[shown][None], target[shown][None])


def _count(
    preds: ByteArray, target: ByteArray, level: int, with_levels: bool
) -> tuple[IntArray, IntArray | None]:
    mask = target >= level
    return count_pixels(preds >= level, mask), count_levels(preds, mask) if with_levels else None


def _moved(
    preds: ByteArray,
    target: ByteArray,
    level: int,
    uses: tuple[MaskUse, MaskUse],
    counts: IntArray,
) -> tuple[IntArray, IntArray]:
    """See :class:`ImageCount`; black and white masks are the same at any level."""
    of_preds = of_target = np.stack([counts for _ in OTHER_LEVELS])
    if uses[0].is_grey:
        mask = target >= level
        of_preds = np.stack([count_pixels(preds >= other, mask) for other in OTHER_LEVELS])
    if uses[1].is_grey:
        mask = preds >= level
        of_target = np.stack([count_pixels(mask, target >= other) for other in OTHER_LEVELS])
    return of_preds, of_target


def _bars(pair: MaskPair, height: int) -> Bars | None:
    if pair.image is None:
        return None
    bars = black_rows(pair.image)
    if len(bars.rows) != height:
        raise InputError(
            f"{pair.image} is {len(bars.rows)} pixels high and {pair.preds} {height}. "
            "Give the images at the size of the masks."
        )
    return bars


def _check_sizes(
    preds_path: Path, preds: tuple[int, ...], target_path: Path, target: tuple[int, ...]
) -> None:
    if preds != target:
        raise InputError(
            f"{preds_path} is {preds[1]}x{preds[0]} pixels and {target_path} "
            f"{target[1]}x{target[0]}. Resize one to the other."
        )
