"""Two folders of masks to scores with confidence intervals: the ``score`` job."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from l4f_bench.config import CountConfig
from l4f_bench.datasets.mask_levels import mask_warnings, soft_warning
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.errors import InputError
from l4f_bench.evaluation.folders import ImageCount, MaskPair, Pairing, count_pairs, pair_folders
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate, estimate
from l4f_bench.metrics.protocols import (
    IntArray,
    Protocol,
    finish,
    image_statistics,
    table_scores,
)
from l4f_bench.progress import Progress, silent

FEW_IMAGES = 30
"""Number of images below which intervals carry a note."""


@dataclass(frozen=True, slots=True)
class FolderScores:
    """Scores of two folders of masks, and what was noticed on the way."""

    protocol: Protocol
    pairs: list[MaskPair]
    counts: IntArray
    """int64 ``[N, 4]``: tp, fp, fn, tn of each pair."""
    scores: dict[str, Estimate]
    scores_with_bars: dict[str, Estimate] | None
    """The scores over all rows, when ``scores`` leaves out letterbox bars."""
    warnings: list[str]


def score_folders(
    preds_dir: Path,
    target_dir: Path,
    protocol: Protocol,
    config: CountConfig,
    *,
    images_dir: Path | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> FolderScores:
    """Score predicted against true masks.

    Args:
        preds_dir: Folder of predicted masks.
        target_dir: Folder of true masks.
        protocol: How counts become scores.
        config: How masks are read and counted.
        images_dir: Folder of the images, needed to find letterbox bars.
        seed: Seed of the bootstrap.
        progress: Given the number of pairs, returns what to call with each number done.

    Raises:
        InputError: A folder or file cannot be used, or bars are to be ignored without images.
    """
    if config.ignore_bars and images_dir is None:
        raise InputError("--ignore-bars needs the images to find the bars in. Add --images DIR.")
    pairing = pair_folders(
        preds_dir, target_dir, images_dir if config.ignore_bars else None, config.limit
    )
    results = count_pairs(
        pairing.pairs,
        config,
        with_levels=protocol.f_measure is not None,
        advance=progress(len(pairing.pairs)),
    )
    counts, levels = _stack([(r.counts, r.levels) for r in results])
    with_bars = None
    if config.ignore_bars:
        all_counts, all_levels = _stack([(r.counts_with_bars, r.levels_with_bars) for r in results])
        with_bars = estimate(protocol, all_counts, all_levels, seed=seed)
    return FolderScores(
        protocol=protocol,
        pairs=pairing.pairs,
        counts=counts,
        scores=estimate(protocol, counts, levels, seed=seed),
        scores_with_bars=with_bars,
        warnings=_warnings(pairing, results, protocol, config),
    )


def _stack(parts: list[tuple[IntArray, IntArray | None]]) -> tuple[IntArray, IntArray | None]:
    levels = [level for _, level in parts if level is not None]
    return np.stack([counts for counts, _ in parts]), np.stack(levels) if levels else None


def _warnings(
    pairing: Pairing, results: list[ImageCount], protocol: Protocol, config: CountConfig
) -> list[str]:
    found = list(pairing.passed_over)
    if pairing.by_order:
        first = pairing.pairs[0]
        found.append(
            "File names differ, so files are paired by natural order "
            f"({first.names[0]} with {first.names[1]}, and so on)."
        )
    for side, what in enumerate(("predicted", "true")):
        uses = [result.uses[side] for result in results]
        invert = config.invert and what == "predicted"
        found += mask_warnings(uses, what, config.level, invert=invert)
        moved = np.stack([result.moved[side] for result in results])
        scores = [_miou(moved[:, place], protocol) for place in range(moved.shape[1])]
        soft = soft_warning(uses, what, config.level, scores)
        found += [soft] if soft else []
    found += _on_images(pairing.pairs, results)
    if config.ignore_level is not None and not any(result.num_ignored for result in results):
        found.append(f"No true mask has the level {config.ignore_level} of --ignore-level.")
    if 1 < len(results) < FEW_IMAGES:
        found.append(
            f"The intervals are over {len(results)} images; below {FEW_IMAGES} percentile "
            "intervals are optimistic: too narrow."
        )
    return found


def _miou(counts: IntArray, protocol: Protocol) -> float | None:
    """MIoU of a set, None where it is not defined."""
    protocol = replace(protocol, f_measure=None)
    statistics = image_statistics(protocol, counts)
    sums = counts.sum(0).astype(np.float64), statistics.sum(0)
    value = float(finish(protocol, *sums, len(counts))["miou"])
    return None if np.isnan(value) else value


def _on_images(pairs: list[MaskPair], results: list[ImageCount]) -> list[str]:
    """What there is to say of the images in which bars were looked for."""
    remarks, num_black = Remarks(), 0
    for pair, result in zip(pairs, results, strict=True):
        if result.bars is not None:
            remarks.add(result.bars.remarks, str(pair.image))
            num_black += bool(result.bars.rows.all())
    found = remarks.news()
    if num_black:
        found.append(f"{num_black} images are black all over, so that no pixel of theirs counts.")
    return found


def per_image_csv(result: FolderScores) -> str:
    """Counts and scores of each image under the protocol; undefined scores are left empty."""
    frame = pd.DataFrame(
        {
            "preds": pair.names[0],
            "target": pair.names[1],
            **dict(zip(COUNT_NAMES, counts, strict=True)),
        }
        for pair, counts in zip(result.pairs, result.counts, strict=True)
    )
    for key, values in table_scores(result.counts, result.protocol).items():
        frame[key] = values
    return str(frame.to_csv(index=False))
