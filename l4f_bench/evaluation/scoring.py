"""Two folders of masks to scores with confidence intervals: the ``score`` job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.errors import InputError
from l4f_bench.evaluation.counting import Counts, count_images
from l4f_bench.evaluation.image_scene import ImageScene, MaskFiles, own_masks
from l4f_bench.evaluation.mask_warnings import mask_warnings
from l4f_bench.evaluation.ranges import check_least
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate, estimate, point_scores
from l4f_bench.metrics.protocols import IntArray, Protocol, table_scores
from l4f_bench.progress import Progress, silent

_BATCH = 8  # pairs at a time: large enough for the threads, small enough for huge masks


@dataclass(frozen=True, kw_only=True, slots=True)
class CountConfig:
    """How two folders of masks become pixel counts."""

    level: int = 128
    """Grey level (8-bit scale) from which a pixel is foreground, 1 to 255."""
    invert: bool = False
    """Predictions are black on the object: turn them round before anything else."""
    ignore_bars: bool = False
    """Leave out rows that are pure black in the image (letterbox bars)."""
    workers: int | None = None
    """Threads that decode; None takes one per CPU core."""
    limit: int | None = None
    """Use only the first N pairs, in natural order."""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 255:
            raise InputError(f"--level {self.level} is not a grey level. Give 1 to 255.")
        check_least("--workers", self.workers, 1)
        check_least("--limit", self.limit, 1)


@dataclass(frozen=True, slots=True)
class FolderScores:
    """Scores of two folders of masks, and what was noticed on the way."""

    protocol: Protocol
    counts: Counts
    scores: dict[str, Estimate]
    scores_with_bars: dict[str, Estimate] | None
    """The scores over all rows, when ``scores`` leaves out letterbox bars."""
    warnings: list[str]

    @property
    def controls(self) -> dict[str, dict[str, Estimate]]:
        """What masks that never look score on the same images, over all rows."""
        counts = self.counts.controls.counts()
        return {name: point_scores(self.protocol, table) for name, table in counts.items()}

    @property
    def table(self) -> IntArray:
        """tp, fp, fn, tn of each pair, int64 ``[N, 4]``, without bars where these are left out."""
        without_bars = self.counts.table_without_bars
        return self.counts.table if without_bars is None else without_bars


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
    counts, files = count_folders(
        preds_dir,
        target_dir,
        config,
        images_dir=images_dir,
        with_levels=protocol.f_measure is not None,
        progress=progress,
    )
    scores = estimate(protocol, counts.table, counts.levels, seed=seed)
    warnings = mask_warnings(counts, files, config.level)
    without_bars = counts.table_without_bars
    if without_bars is None:
        return FolderScores(protocol, counts, scores, None, warnings)
    inside = estimate(protocol, without_bars, counts.levels_without_bars, seed=seed)
    return FolderScores(protocol, counts, inside, scores, warnings)


def count_folders(
    preds_dir: Path,
    target_dir: Path,
    config: CountConfig,
    *,
    images_dir: Path | None = None,
    with_levels: bool = False,
    progress: Progress = silent,
) -> tuple[Counts, MaskFiles]:
    """Count the pixels of predicted against true masks; arguments as for :func:`score_folders`.

    Returns:
        The counts, and the files of the predictions.

    Raises:
        InputError: As there.
    """
    if config.ignore_bars and images_dir is None:
        raise InputError("--ignore-bars needs the images to find the bars in. Add --images DIR.")
    images = images_dir if config.ignore_bars else None
    truth = FolderImages(_spec(target_dir), target_dir, images, level=config.level)
    files = MaskFiles(preds_dir, truth)
    scene = ImageScene(
        images=truth,
        predictor=files.predictor(
            level=config.level,
            invert=config.invert,
            with_levels=with_levels,
            workers=config.workers,
        ),
        truth_of=own_masks(truth, config.workers),
        needs_pixels=False,
        bars=truth.bars if config.ignore_bars else None,
    )
    most = len(truth) if config.limit is None else min(config.limit, len(truth))
    return count_images(scene, most=most, batch_size=_BATCH, advance=progress(most)), files


def per_image_csv(result: FolderScores) -> str:
    """Counts and scores of each image under the protocol; undefined scores are left empty."""
    frame = pd.DataFrame(
        {
            "preds": row.preds_name,
            "target": row.key,
            **dict(zip(COUNT_NAMES, counts, strict=True)),
        }
        for row, counts in zip(result.counts.rows, result.table, strict=True)
    )
    for key, values in table_scores(result.table, result.protocol).items():
        frame[key] = values
    return str(frame.to_csv(index=False))


def _spec(folder: Path) -> DatasetSpec:
    """Masks of no data set that is known here."""
    return DatasetSpec(
        name=folder.name, title=str(folder), resolution=0, source="given", licence="not known"
    )
