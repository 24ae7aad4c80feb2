"""One side of a comparison: opened and checked first, its features computed later."""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.cores import Cores
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.devices import choose_device
from l4f_bench.distributed import from_first, gathered
from l4f_bench.errors import InputError
from l4f_bench.evaluation.distance.image_batches import (
    FolderBatches,
    GeneratorBatches,
    ImageBatches,
)
from l4f_bench.evaluation.distance.recipe import DistanceConfig
from l4f_bench.evaluation.distance.statistics_files import SUFFIX, SetStatistics, read_statistics
from l4f_bench.features.contracts import FeatureExtractor, FeatureSpec
from l4f_bench.metrics.moments import DIVISORS, Moments
from l4f_bench.progress import Progress
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import unknown_name
from l4f_bench.rounds import rounds

MIN_IMAGES = 2048
"""Below it the covariance of 2048 features has no full rank, and FID says little."""

Features = npt.NDArray[np.float32]

_BATCH = {"cpu": 16, "cuda": 64}


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two sets."""

    source: dict[str, Any]
    """Where its images come from, with their number and, unless in a file, width and height."""
    statistics: SetStatistics
    features: Features | None
    """``[N, D]``, where they are needed beyond their statistics."""
    warnings: list[str]
    """What there is to say about its image files."""


@dataclass(frozen=True, slots=True)
class OpenedSide:
    """A side before its features are computed."""

    name: str
    """What messages call it."""
    content: ImageBatches | SetStatistics
    digest: str | None = None
    """SHA-256 of the file of a generator or of statistics."""

    @property
    def is_file(self) -> bool:
        """Whether there are statistics only, and no images."""
        return isinstance(self.content, SetStatistics)

    @property
    def count(self) -> int | None:
        """Images; None where a file does not say."""
        return self.content.count if isinstance(self.content, SetStatistics) else len(self.content)


def open_side(path: Path, config: DistanceConfig) -> OpenedSide:
    """What stands at ``path``, checked as far as that is quick.

    Raises:
        InputError: Nothing that can be compared.
    """
    if not path.exists():
        raise InputError(
            f"{path} does not exist. Give a folder of images, a generator's checkpoint, or "
            f"statistics ({SUFFIX})."
        )
    kind = kind_of(path)
    if kind == "statistics":
        return OpenedSide(str(path), read_statistics(path), sha256_of(path))
    if kind == "folder":
        return OpenedSide(str(path), FolderBatches(path, workers=config.workers))
    return generator_side(path, config)


def kind_of(path: Path) -> str:
    """Whether a path is taken for a ``folder``, for ``statistics`` or for a ``generator``."""
    if path.is_dir():
        return "folder"
    return "statistics" if path.suffix == SUFFIX else "generator"


def generator_side(path: Path, config: DistanceConfig, name: str | None = None) -> OpenedSide:
    """The samples of a generator's checkpoint, which results call ``name`` or by its path.

    Raises:
        CheckpointError: The file cannot be read or holds no generator.
    """
    samples = GeneratorBatches(
        path,
        num_images=config.samples,
        truncation=config.truncation,
        seed=config.seed,
        device=choose_device(config.device),
        precision=config.precision,
        name=name,
    )
    return OpenedSide(name or str(path), samples, samples.sha256)


def finish_side(
    opened: OpenedSide,
    extractor: FeatureExtractor | None,
    config: DistanceConfig,
    progress: Progress,
) -> Side:
    """The statistics of a side, and its features where they are needed.

    Every process computes those of its share, and gets those of all.
    """
    content = opened.content
    if isinstance(content, SetStatistics):
        source = {
            "kind": "statistics",
            "path": opened.name,
            "sha256": opened.digest,
            "count": content.count,
        }
        return Side(source=source, statistics=content, features=None, warnings=[])
    assert extractor is not None, "a set of images needs an extractor"
    dimension, keep = extractor.spec.dimension, config.kernel or config.precision_recall
    own, kept = Moments(dimension), _Kept(dimension)
    size, block = list[int](), _block_size(extractor)
    todo = list(rounds(range(len(content)), _batch_size(config, content, extractor)))
    advance = progress(sum(len(round_.own) for round_ in todo))
    with closing(_featured(content, extractor, [round_.own for round_ in todo])) as featured:
        for indices, shape, features in featured:
            size = shape
            # Sums of blocks are added up, so that the batch size changes no bit of them.
            for part in np.split(features, range(block, len(features), block)):
                own.update(part)
            if keep:
                kept.add(indices, features)
            advance(len(features))
    moments = Moments(dimension)
    for share in gathered(own):
        moments.merge(share)
    statistics = SetStatistics(
        gaussian=moments.gaussian(config.divisor),
        count=moments.count,
        **stated(extractor.spec, config),
    )
    return Side(
        source={**content.to_json(), "size": from_first(size)},
        statistics=statistics,
        features=kept.of_all() if keep else None,
        warnings=_noticed(content) if isinstance(content, FolderBatches) else [],
    )


def _noticed(images: FolderBatches) -> list[str]:
    """What all processes have to say about the files of a folder."""
    remarks = Remarks(images.remarks.what)
    for found in gathered(images.remarks.found):
        for remark, (number, name) in found.items():
            remarks.count(remark, number, name)
    return [*images.passed_over, *remarks.news()]


class _Kept:
    """This process's features with the indices of their images."""

    def __init__(self, dimension: int) -> None:
        self._indices = [np.empty(0, np.int64)]
        self._features = [np.empty((0, dimension), np.float32)]

    def add(self, indices: range, features: Features) -> None:
        """Keep the features ``[N, D]`` of some images."""
        self._indices.append(np.array(indices))
        self._features.append(features)

    def of_all(self) -> Features:
        """Those of all processes in the order of the images."""
        shares = gathered((np.concatenate(self._indices), np.concatenate(self._features)))
        indices, features = (np.concatenate(parts) for parts in zip(*shares, strict=True))
        ordered: Features = features[indices.argsort()]
        return ordered


def _featured(
    content: ImageBatches, extractor: FeatureExtractor, shares: list[range]
) -> Generator[tuple[range, list[int], Features]]:
    """Indices, width and height, and features of each of this process's shares that has images."""
    cores = Cores.for_networks(content, extractor)

    def work(indices: range) -> tuple[range, list[int], Features]:
        images = content.images(indices, cores)
        with cores.turn():
            return indices, [images.shape[-1], images.shape[-2]], extractor.features(images)

    return cores.ahead(work, [share for share in shares if share])


def stated(spec: FeatureSpec, config: DistanceConfig) -> dict[str, str]:
    """How statistics are made here."""
    return {
        "features": spec.name,
        "resize": spec.resize,
        "divisor": config.divisor,
        "weights_sha256": spec.weights_sha256,
    }


def _batch_size(config: DistanceConfig, content: ImageBatches, extractor: FeatureExtractor) -> int:
    """Images at a time: a number of whole blocks, of which none is computed twice."""
    wanted = config.batch_size
    if wanted is None:
        wanted = _BATCH.get(choose_device(config.device).type, _BATCH["cpu"])
    block = math.lcm(content.block_size, _block_size(extractor))
    return block * -(-wanted // block)


def _block_size(extractor: FeatureExtractor) -> int:
    """Images that an extractor computes together; those of others need not say."""
    return getattr(extractor, "block_size", 1)


def check_side(opened: OpenedSide, config: DistanceConfig) -> None:
    """Raise unless a side can be compared under ``config``.

    Raises:
        InputError: The divisor is unknown, or there are too few images.
    """
    if config.divisor not in DIVISORS:
        raise InputError(unknown_name("divisor", config.divisor, list(DIVISORS)))
    if opened.count is not None and opened.count < MIN_IMAGES and not config.allow_small_n:
        raise InputError(
            f"{opened.name} holds {opened.count} images; below {MIN_IMAGES} the distance "
            "depends more on their number than on the images. Give more, or add --allow-small-n."
        )
