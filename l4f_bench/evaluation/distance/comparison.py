"""Two sets of images compared by their features: FID, KID, precision and recall."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from l4f_bench.devices import choose_device
from l4f_bench.distributed import from_first, is_first
from l4f_bench.errors import InputError
from l4f_bench.evaluation.distance.facts import (
    DistanceFacts,
    KernelFacts,
    ShareFacts,
    SideFacts,
)
from l4f_bench.evaluation.distance.recipe import DistanceConfig
from l4f_bench.evaluation.distance.sides import (
    MIN_IMAGES,
    OpenedSide,
    Side,
    check_side,
    finish_side,
    open_side,
    stated,
)
from l4f_bench.evaluation.distance.statistics_files import SetStatistics
from l4f_bench.features.contracts import FeatureExtractor, FeatureSpec
from l4f_bench.features.specs import INCEPTION, distance_names, load_extractor, usual_weights
from l4f_bench.metrics.frechet import frechet_distance
from l4f_bench.metrics.kernel_distance import KernelDistance, kernel_distance
from l4f_bench.metrics.precision_recall import PrecisionRecall, precision_recall
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDistance:
    """What a comparison gives."""

    name: str
    """``FID`` on Inception's features with the published weights; on others never that."""
    value: float
    kernel_name: str
    kernel: KernelDistance | None
    precision_recall: PrecisionRecall | None
    sides: tuple[Side, Side]
    warnings: list[str]


def compare_sets(
    first: Path, second: Path, config: DistanceConfig, progress: Progress = silent
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
    return compare_sides(open_side(first, config), open_side(second, config), config, progress)


def compare_sides(
    first: OpenedSide,
    second: OpenedSide,
    config: DistanceConfig,
    progress: Progress = silent,
) -> FeatureDistance:
    """Compare generated images with real ones, wherever they come from; see :func:`compare_sets`.

    Raises:
        InputError: As there.
        MissingAssetError: As there.
    """
    opened = (first, second)
    for side in opened:
        check_side(side, config)
    in_files = [side for side in opened if side.is_file]
    if in_files and (config.kernel or config.precision_recall):
        raise InputError(
            f"{in_files[0].name} holds statistics only; --kid and --precision-recall need the "
            "images."
        )
    extractor = None if len(in_files) == 2 else _extractor(config)
    for side in opened:
        if isinstance(side.content, SetStatistics) and extractor is not None:
            _check_dimension(side.name, side.content, extractor.spec)
            _check_made_alike(side.name, _how(side.content), stated(extractor.spec, config))
    a, b = (finish_side(side, extractor, config, progress) for side in opened)
    _check_made_alike(second.name, _how(b.statistics), _how(a.statistics))
    name, kernel_name = _names(a.statistics, b.statistics)
    kernel, shares = from_first(_of_features(a, b, config) if is_first() else (None, None))
    return FeatureDistance(
        name=name,
        value=frechet_distance(a.statistics.gaussian, b.statistics.gaussian),
        kernel_name=kernel_name,
        kernel=kernel,
        precision_recall=shares,
        sides=(a, b),
        warnings=[
            *a.warnings,
            *b.warnings,
            *_warnings((first.name, second.name), (a, b)),
        ],
    )


def one_side(path: Path, config: DistanceConfig, progress: Progress = silent) -> Side:
    """One set of images, whose statistics are to be written to a file.

    Raises:
        InputError: The folder or file cannot be used, or there are too few images.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    opened = open_side(path, config)
    check_side(opened, config)
    extractor = None if opened.is_file else _extractor(config)
    return finish_side(opened, extractor, config, progress)


def facts_of(result: FeatureDistance) -> DistanceFacts:
    """What was measured, and of which two sets."""
    kernel, shares = result.kernel, result.precision_recall
    return DistanceFacts(
        distance=result.name,
        value=result.value,
        kernel=None if kernel is None else KernelFacts(name=result.kernel_name, **asdict(kernel)),
        precision_recall=None if shares is None else ShareFacts(**asdict(shares)),
        sides=(_side_facts(result.sides[0]), _side_facts(result.sides[1])),
    )


def result_json(
    result: FeatureDistance, config: DistanceConfig, *, seconds: float
) -> dict[str, Any]:
    """Everything a comparison knows, as JSON data."""
    document = {
        "format": "l4f-bench distance",
        "version": 1,
        **asdict(facts_of(result)),
        "warnings": result.warnings,
        "config": asdict(config),
        "provenance": provenance(),
        "seconds": round(seconds, 3),
    }
    plain: dict[str, Any] = json.loads(json.dumps(document, default=str))
    return plain


def _side_facts(side: Side) -> SideFacts:
    facts: dict[str, Any] = {**side.source, **_how(side.statistics)}
    size = facts.get("size")
    facts["size"] = None if size is None else tuple(size)
    return SideFacts(**facts, dimension=_dimension(side.statistics))


def _of_features(
    a: Side, b: Side, config: DistanceConfig
) -> tuple[KernelDistance | None, PrecisionRecall | None]:
    """What takes the features themselves, as far as it is asked for."""
    kernel = shares = None
    if a.features is not None and b.features is not None:
        if config.kernel:
            kernel = kernel_distance(a.features, b.features, seed=config.seed)
        if config.precision_recall:
            shares = precision_recall(a.features, b.features)
    return kernel, shares


def _extractor(config: DistanceConfig) -> FeatureExtractor:
    return load_extractor(
        config.features,
        config.weights,
        resize=config.resize,
        device=choose_device(config.device),
    )


def _how(statistics: SetStatistics) -> dict[str, str | None]:
    """How statistics were made, None where that is not known."""
    keys = ("features", "resize", "divisor", "weights_sha256")
    return {key: getattr(statistics, key) for key in keys}


def _check_dimension(name: str, statistics: SetStatistics, spec: FeatureSpec) -> None:
    if _dimension(statistics) != spec.dimension:
        raise InputError(
            f"{name} holds statistics of dimension {_dimension(statistics)}, but the features "
            f"'{spec.name}' have {spec.dimension}. Make them again, or choose other --features."
        )


def _check_made_alike(
    name: str, found: Mapping[str, str | None], expected: Mapping[str, str | None]
) -> None:
    for key, value in found.items():
        if value is not None and expected[key] is not None and value != expected[key]:
            raise InputError(
                f"{name} was made with {key} '{value}' and the other side with '{expected[key]}': "
                "their distance means nothing. Make both the same way."
            )


def _names(first: SetStatistics, second: SetStatistics) -> tuple[str, str]:
    """What the distances between both sides are called."""
    features = first.features or second.features
    if features is None and _dimension(first) == INCEPTION.dimension:
        features = INCEPTION.name  # nothing is stated: as pytorch-fid's files are
    features = features or "unknown features"
    sha256 = first.weights_sha256 or second.weights_sha256
    return distance_names(features, usual_weights=usual_weights(features, sha256))


def _dimension(statistics: SetStatistics) -> int:
    return len(statistics.gaussian.mean)


def _warnings(names: tuple[str, str], sides: tuple[Side, Side]) -> list[str]:
    found = []
    for name, side in zip(names, sides, strict=True):
        statistics = side.statistics
        if statistics.count is None or None in _how(statistics).values():
            found.append(
                f"{name} does not state how it was made; it is assumed to match the other side."
            )
        if statistics.count is not None and statistics.count < MIN_IMAGES:
            found.append(
                f"{name} holds only {statistics.count} images; do not compare with distances from "
                "another number."
            )
    sizes = [side.source["size"] for side in sides if "size" in side.source]
    if len(sizes) == 2 and sizes[0] != sizes[1]:
        shown = " and ".join(f"{width}x{height}" for width, height in sizes)
        found.append(f"Images of {shown} pixels are compared; part of their distance is the size.")
    return found
