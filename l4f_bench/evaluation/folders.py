"""Two folders of masks to pixel counts, decoding and counting in parallel."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l4f_bench.config import CountConfig
from l4f_bench.datasets.mask_files import ByteArray, black_rows, read_grey
from l4f_bench.datasets.pairs import list_images, pair_files
from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import count_levels, count_pixels
from l4f_bench.metrics.protocols import IntArray
from l4f_bench.progress import Advance


@dataclass(frozen=True, slots=True)
class MaskPair:
    """Files that belong together."""

    preds: Path
    target: Path
    image: Path | None = None


@dataclass(frozen=True, slots=True)
class Pairing:
    """All pairs of two (or, with images, three) folders."""

    pairs: list[MaskPair]
    by_order: bool
    """Paired by natural order, because the names differ."""


@dataclass(frozen=True, slots=True)
class GreyUse:
    """How a mask file uses its grey levels."""

    between: float
    """Share of pixels between the mask's darkest and brightest level; 0 for two-level masks."""
    unreached: int
    """Brightest level if it is above 0 and below the threshold, else 0."""


@dataclass(frozen=True, slots=True)
class ImageCount:
    """What one pair of masks gives; arrays as in :mod:`l4f_bench.metrics.counts`."""

    counts: IntArray
    levels: IntArray | None
    counts_with_bars: IntArray
    levels_with_bars: IntArray | None
    preds_grey: GreyUse
    target_grey: GreyUse


def pair_folders(
    preds_dir: Path, target_dir: Path, images_dir: Path | None = None, limit: int | None = None
) -> Pairing:
    """Find the pairs of two folders, and the image of each pair if a third is given.

    Raises:
        InputError: A folder is missing or empty, or files are left unpaired.
    """
    matched, by_order = pair_files(list_images(preds_dir), list_images(target_dir))
    if images_dir is None:
        pairs = [MaskPair(preds, target) for preds, target in matched]
    else:
        with_image, image_by_order = pair_files([t for _, t in matched], list_images(images_dir))
        images = dict(with_image)
        pairs = [MaskPair(preds, target, images[target]) for preds, target in matched]
        by_order = by_order or image_by_order
    return Pairing(pairs[:limit], by_order)


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
    with ThreadPoolExecutor(config.workers or os.cpu_count() or 1) as pool:
        results = []
        for result in pool.map(lambda pair: count_pair(pair, config, with_levels), pairs):
            results.append(result)
            advance(1)
        return results


def count_pair(pair: MaskPair, config: CountConfig, with_levels: bool) -> ImageCount:
    """Read and count one pair of masks.

    Raises:
        InputError: A file cannot be read, or the sizes differ.
    """
    preds, target = read_grey(pair.preds), read_grey(pair.target)
    _check_sizes(pair.preds, preds.shape, pair.target, target.shape)
    if config.invert:
        preds = ~preds
    counts, levels = _count(preds, target, config.level, with_levels)
    counts_with_bars, levels_with_bars = counts, levels
    if config.ignore_bars and pair.image is not None:
        bars = black_rows(pair.image)
        if len(bars) != len(preds):
            raise InputError(
                f"{pair.image} is {len(bars)} pixels high and {pair.preds} {len(preds)}. "
                "Give the images at the size of the masks."
            )
        counts, levels = _count(preds[~bars], target[~bars], config.level, with_levels)
    return ImageCount(
        counts,
        levels,
        counts_with_bars,
        levels_with_bars,
        _grey_use(preds, config.level),
        _grey_use(target, config.level),
    )


def _count(
    preds: ByteArray, target: ByteArray, level: int, with_levels: bool
) -> tuple[IntArray, IntArray | None]:
    mask = target >= level
    return count_pixels(preds >= level, mask), count_levels(preds, mask) if with_levels else None


def _check_sizes(
    preds_path: Path, preds: tuple[int, ...], target_path: Path, target: tuple[int, ...]
) -> None:
    if preds != target:
        raise InputError(
            f"{preds_path} is {preds[1]}x{preds[0]} pixels and {target_path} "
            f"{target[1]}x{target[0]}. Resize one to the other."
        )


def _grey_use(levels: ByteArray, level: int) -> GreyUse:
    """Look at the levels of a mask; cheap where they are 0 and 255 alone."""
    # 0 and 255 become 255 and 254 by wrapping, so everything below 254 is in between.
    if not np.count_nonzero((levels - np.uint8(1)) < 254):
        return GreyUse(0.0, 0)
    histogram = np.bincount(levels.ravel(), minlength=256)
    used = np.flatnonzero(histogram)
    brightest = int(used[-1])
    between = int(histogram[used[1:-1]].sum())
    return GreyUse(between / levels.size, brightest if 0 < brightest < level else 0)
