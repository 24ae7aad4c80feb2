"""Two sets of images compared by their features: FID, KID, precision and recall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.config import FeatureDistanceConfig, to_json
from l4f_bench.errors import InputError
from l4f_bench.evaluation.image_sets import FolderSet, GeneratorSet, ImageSet
from l4f_bench.evaluation.statistics_files import SUFFIX, SetStatistics, read_statistics
from l4f_bench.features.contracts import FeatureExtractor, FeatureSpec
from l4f_bench.features.inception import DIMENSION as INCEPTION_DIMENSION
from l4f_bench.features.loading import load_extractor
from l4f_bench.methods.labels4free.loading import choose_device
from l4f_bench.metrics.frechet import frechet_distance
from l4f_bench.metrics.kernel_distance import KernelDistance, kernel_distance
from l4f_bench.metrics.moments import DIVISORS, Moments
from l4f_bench.metrics.precision_recall import PrecisionRecall, precision_recall
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import provenance
from l4f_bench.registry import unknown_name

MIN_IMAGES = 2048
"""Below it the covariance of 2048 features has no full rank, and FID says little."""

Features = npt.NDArray[np.float32]

_BATCH = {"cpu": 8, "cuda": 64}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two sets."""

    source: dict[str, Any]
    """Where its images come from, with their number."""
    statistics: SetStatistics
    features: Features | None
    """``[N, D]``, where they are needed beyond their statistics."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDistance:
    """What a comparison gives."""

    name: str
    """``FID`` on Inception's features; on others never that."""
    value: float
    kernel_name: str
    kernel: KernelDistance | None
    precision_recall: PrecisionRecall | None
    sides: tuple[Side, Side]
    warnings: list[str]


def compare_sets(
    first: Path, second: Path, config: FeatureDistanceConfig, progress: Progress = silent
) -> FeatureDistance:
    """Compare generated images with real ones.

    Args:
        first: Generated: a folder of images, a checkpoint of a generator, or a statistics file.
        second: Real: the same.
        config: Features, resizing, divisor, and what to report.
        progress: Given the number of images, returns what to call with each number done.

    Raises:
        InputError: A file or folder cannot be used, there are too few images, or the two sides'
            statistics were made differently.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    opened = [open_side(path, config) for path in (first, second)]
    in_files = [path for path, side in zip((first, second), opened, strict=True) if _is_file(side)]
    if in_files and (config.kernel or config.precision_recall):
        raise InputError(
            f"{in_files[0]} holds statistics only; --kid and --precision-recall need the images."
        )
    extractor = None if len(in_files) == 2 else _extractor(config)
    for path, side in zip((first, second), opened, strict=True):
        if isinstance(side, SetStatistics) and extractor is not None:
            _check_dimension(path, side, extractor.spec)
            _check_made_alike(path, _how(side), _stated(extractor.spec, config))
    sides = [
        finish_side(path, side, extractor, config, progress)
        for path, side in zip((first, second), opened, strict=True)
    ]
    a, b = sides
    _check_made_alike(second, _how(b.statistics), _how(a.statistics))
    name, kernel_name = _names(extractor, a.statistics, b.statistics)
    kernel = shares = None
    if a.features is not None and b.features is not None:
        if config.kernel:
            kernel = kernel_distance(a.features, b.features, seed=config.seed)
        if config.precision_recall:
            shares = precision_recall(a.features, b.features)
    return FeatureDistance(
        name=name,
        value=frechet_distance(a.statistics.gaussian, b.statistics.gaussian),
        kernel_name=kernel_name,
        kernel=kernel,
        precision_recall=shares,
        sides=(a, b),
        warnings=_warnings((first, second), (a, b)),
    )


def statistics_of(
    path: Path, config: FeatureDistanceConfig, progress: Progress = silent
) -> SetStatistics:
    """Statistics of one set of images, to be written to a file.

    Raises:
        InputError: The folder or file cannot be used, or there are too few images.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    opened = open_side(path, config)
    extractor = None if _is_file(opened) else _extractor(config)
    return finish_side(path, opened, extractor, config, progress).statistics


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
        **_stated(extractor.spec, config),
    )
    return Side(
        source=opened.to_json(),
        statistics=statistics,
        features=np.concatenate(kept) if kept else None,
    )


def result_json(
    result: FeatureDistance, config: FeatureDistanceConfig, *, seconds: float
) -> dict[str, Any]:
    """Everything a comparison knows, as JSON data."""
    kernel, shares = result.kernel, result.precision_recall
    return {
        "format": "l4f-bench distance",
        "version": 1,
        "distance": result.name,
        "value": result.value,
        "kernel": None if kernel is None else {"name": result.kernel_name, **asdict(kernel)},
        "precision_recall": None if shares is None else asdict(shares),
        "sides": [
            {**side.source, **_how(side.statistics), "dimension": _dimension(side.statistics)}
            for side in result.sides
        ],
        "warnings": result.warnings,
        "config": to_json(config),
        "provenance": provenance(),
        "seconds": round(seconds, 3),
    }


def _is_file(side: ImageSet | SetStatistics) -> bool:
    return isinstance(side, SetStatistics)


def _extractor(config: FeatureDistanceConfig) -> FeatureExtractor:
    return load_extractor(
        config.features,
        config.weights,
        resize=config.resize,
        device=choose_device(config.device),
    )


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


def _stated(spec: FeatureSpec, config: FeatureDistanceConfig) -> dict[str, str]:
    """How statistics are made here."""
    return {
        "features": spec.name,
        "resize": spec.resize,
        "divisor": config.divisor,
        "weights_sha256": spec.weights_sha256,
    }


def _how(statistics: SetStatistics) -> dict[str, str | None]:
    """How statistics were made, None where that is not known."""
    keys = ("features", "resize", "divisor", "weights_sha256")
    return {key: getattr(statistics, key) for key in keys}


def _check_dimension(path: Path, statistics: SetStatistics, spec: FeatureSpec) -> None:
    if _dimension(statistics) != spec.dimension:
        raise InputError(
            f"{path} holds statistics of dimension {_dimension(statistics)}, but the features "
            f"'{spec.name}' have {spec.dimension}. Make them again, or choose other --features."
        )


def _check_made_alike(
    path: Path, found: Mapping[str, str | None], expected: Mapping[str, str | None]
) -> None:
    for key, value in found.items():
        if value is not None and expected[key] is not None and value != expected[key]:
            raise InputError(
                f"{path} was made with {key} '{value}' and the other side with '{expected[key]}': "
                "their distance means nothing. Make both the same way."
            )


def _names(
    extractor: FeatureExtractor | None, first: SetStatistics, second: SetStatistics
) -> tuple[str, str]:
    """What the two distances are called. FID is Inception's alone."""
    if extractor is not None:
        return extractor.spec.frechet, extractor.spec.kernel
    features = first.features or second.features
    if features is None and _dimension(first) == INCEPTION_DIMENSION:
        features = "inception"  # nothing is stated: as pytorch-fid's files are
    if features == "inception":
        return "FID", "KID"
    return f"FD ({features or 'unknown features'})", f"KD ({features or 'unknown features'})"


def _dimension(statistics: SetStatistics) -> int:
    return len(statistics.gaussian.mean)


def _warnings(paths: tuple[Path, Path], sides: tuple[Side, Side]) -> list[str]:
    found = []
    for path, side in zip(paths, sides, strict=True):
        statistics = side.statistics
        if statistics.count is None or None in _how(statistics).values():
            found.append(
                f"{path} does not state how it was made; it is taken to fit the other side."
            )
        if statistics.count is not None and statistics.count < MIN_IMAGES:
            found.append(
                f"{path} stands for {statistics.count} images only; compare its distance with "
                "none from another number."
            )
    return found
