"""Two folders of masks to scores with confidence intervals: the ``score`` job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from l4f_bench.config import CountConfig
from l4f_bench.errors import InputError
from l4f_bench.evaluation.folders import ImageCount, MaskPair, Pairing, count_pairs, pair_folders
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate, estimate
from l4f_bench.metrics.protocols import IntArray, Protocol, table_scores
from l4f_bench.progress import Progress, silent


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
        warnings=_warnings(pairing, results, config.level),
    )


def _stack(parts: list[tuple[IntArray, IntArray | None]]) -> tuple[IntArray, IntArray | None]:
    levels = [level for _, level in parts if level is not None]
    return np.stack([counts for counts, _ in parts]), np.stack(levels) if levels else None


def _warnings(pairing: Pairing, results: list[ImageCount], level: int) -> list[str]:
    found = []
    if pairing.by_order:
        first = pairing.pairs[0]
        found.append(
            "File names differ, so files are paired by natural order "
            f"({first.preds.name} with {first.target.name}, and so on)."
        )
    for what, uses in (
        ("predicted", [result.preds_grey for result in results]),
        ("true", [result.target_grey for result in results]),
    ):
        between = [use.between for use in uses if use.between]
        if between:
            found.append(
                f"{len(between)} of {len(uses)} {what} masks have more than two grey levels; "
                f"{sum(between) / len(uses):.3%} of all pixels lie in between and are cut at "
                f"level {level}."
            )
        unreached = [use.unreached for use in uses if use.unreached]
        if unreached:
            found.append(
                f"{len(unreached)} of {len(uses)} {what} masks have no pixel from level {level} "
                f"up (brightest: {max(unreached)}) and count as empty. Is --level right?"
            )
    return found


def per_image_csv(result: FolderScores) -> str:
    """Counts and scores of each image under the protocol; undefined scores are left empty."""
    frame = pd.DataFrame(
        {
            "preds": pair.preds.name,
            "target": pair.target.name,
            **dict(zip(COUNT_NAMES, counts, strict=True)),
        }
        for pair, counts in zip(result.pairs, result.counts, strict=True)
    )
    for key, values in table_scores(result.counts, result.protocol).items():
        frame[key] = values
    return str(frame.to_csv(index=False))
