"""One side of a comparison: opened and checked first, its features computed later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.config import FeatureDistanceConfig
from l4f_bench.errors import InputError
from l4f_bench.evaluation.image_sets import FolderSet, GeneratorSet, ImageSet
from l4f_bench.evaluation.statistics_files import SUFFIX, SetStatistics, read_statistics
from l4f_bench.features.contracts import FeatureExtractor, FeatureSpec
from l4f_bench.methods.labels4free.loading import choose_device
from l4f_bench.metrics.moments import DIVISORS, Moments
from l4f_bench.progress import Progress
from l4f_bench.registry import unknown_name

MIN_IMAGES = 2048
"""Below it the covariance of 2048 features has no full rank, and FID says little."""

Features = npt.NDArray[np.float32]

_BATCH = {"cpu": 16, "cuda": 64}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two sets."""

    source: dict[str, Any]
    """Where its images come from, with their number."""
    statistics: SetStatistics
    features: Features | None
    """``[N, D]``, where they are needed beyond their statistics."""


def open_side(path: Path, config: FeatureDistanceConfig) -> ImageSet | SetStatistics:
    """What stands at ``path``, checked as far as that is quick.

    Raises:
        InputError: Nothing that can be compared, or too few images.
    """
    if config.divisor not in DIVISORS:
        raise InputError(unknown_name("divisor", config.divisor, list(DIVISORS)))
    if not path.exists():
        raise InputError(
            f"{path} does not exist. Give a folder of images, a generator's checkpoint, or "
            f"statistics ({SUFFIX})."
        )
    opened: ImageSet | SetStatistics
    if path.suffix == SUFFIX and path.is_file():
        opened = read_statistics(path)
        count = opened.count
    elif path.is_dir():
        opened = FolderSet(path, workers=config.workers)
        count = len(opened)
    else:
        count = config.samples
        opened = GeneratorSet(
            path,
            num_images=config.samples,
            truncation=config.truncation,
            seed=config.seed,
            device=choose_device(config.device),
        )
    _check_enough(path, count, config)
    return opened


def finish_side(
    path: Path,
    opened: ImageSet | SetStatistics,
    extractor: FeatureExtractor | None,
    config: FeatureDistanceConfig,
    progress: Progress,
) -> Side:
    """The statistics of a side, and its features where they are needed."""
    if isinstance(opened, SetStatistics):
        source = {"kind": "statistics", "path": str(path), "count": opened.count}
        return Side(source=source, statistics=opened, features=None)
    assert extractor is not None, "a set of images needs an extractor"
    moments, kept = Moments(extractor.spec.dimension), []
    advance = progress(len(opened))
    for batch in opened.batches(_batch_size(config)):
        features = extractor.features(batch)
        moments.update(features)
        if config.kernel or config.precision_recall:
            kept.append(features)
        advance(len(features))
    statistics = SetStatistics(
        gaussian=moments.gaussian(config.divisor),
        count=moments.count,
        **stated(extractor.spec, config),
    )
    return Side(
        source=opened.to_json(),
        statistics=statistics,
        features=np.concatenate(kept) if kept else None,
    )


def stated(spec: FeatureSpec, config: FeatureDistanceConfig) -> dict[str, str]:
    """How statistics are made here."""
    return {
        "features": spec.name,
        "resize": spec.resize,
        "divisor": config.divisor,
        "weights_sha256": spec.weights_sha256,
    }


def _batch_size(config: FeatureDistanceConfig) -> int:
    if config.batch_size != "auto":
        return int(config.batch_size)
    return _BATCH.get(choose_device(config.device).type, _BATCH["cpu"])


def _check_enough(path: Path, count: int | None, config: FeatureDistanceConfig) -> None:
    if count is not None and count < MIN_IMAGES and not config.allow_small_n:
        raise InputError(
            f"{path} stands for {count} images; below {MIN_IMAGES} the distance depends more on "
            "their number than on the images. Give more, or add --allow-small-n."
        )
