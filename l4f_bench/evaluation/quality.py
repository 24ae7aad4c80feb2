"""How far a method's images are from real ones, masks aside: the paper's Table 5."""

from __future__ import annotations

import re
import time
from dataclasses import replace

from l4f_bench.config import EvalConfig, FeatureDistanceConfig, QualityConfig, to_json
from l4f_bench.datasets.shapes import HELD_OUT
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.evaluation.feature_distance import compare_sides, distance_json
from l4f_bench.evaluation.feature_sides import OpenedSide, generator_set, open_side
from l4f_bench.evaluation.image_sets import MethodSet, ShapesSet
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.labels4free.loading import generator_file
from l4f_bench.methods.loading import OURS, load_generative
from l4f_bench.methods.specs import LOADERS, METHODS
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.progress import Progress
from l4f_bench.provenance import provenance
from l4f_bench.registry import installed_names

PLAIN = "stylegan2"
"""The generator that ours leaves as it is."""
REAL = "real"
"""Other real images, where they can be drawn: what no method can be expected to go below."""

_OTHER_WORLD = 1 << 31  # on from the seed of the real images


def evaluate_quality(config: EvalConfig, progress: Progress) -> Record:
    """Compare a method's images with real ones: FID, or with other features another distance.

    Real images are the folder or statistics file ``config.data_dir``; those of shapes are drawn,
    as many as the method's, from a world that no training saw.

    Raises:
        InputError: A file cannot be used, the method makes no images, or there are too few.
        MissingAssetError: Data or weights are missing; the message says how to get them.
    """
    started = time.perf_counter()
    quality = config.quality or QualityConfig()
    quality = replace(quality, distance=replace(quality.distance, seed=config.seed))
    spec = DATASETS.get(config.dataset)
    real = _real_side(config, spec, quality.distance)
    generated, digests = _generated_side(config, spec, quality)
    result = compare_sides(generated, real, quality.distance, progress)
    key = distance_key(result.name)
    features = result.sides[0].statistics
    return Record(
        method=config.method,
        label=f"{METHODS.get(config.method).title.lower()} against real images",
        dataset=spec.name,
        setting=config.setting,
        truth="real images",
        truncation=None if config.method == REAL else quality.distance.truncation,
        protocol=key,
        n=quality.distance.samples,
        scores={key: Estimate(result.value)},
        images=[],
        config=to_json(config),
        provenance=provenance(),
        digests=digests | {"features": str(features.weights_sha256)},
        distance=distance_json(result),
        warnings=result.warnings,
        seconds=round(time.perf_counter() - started, 3),
    )


def distance_key(name: str) -> str:
    """Key in records of a distance: of ``FD (shapes)`` it is ``fd_shapes``."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def _real_side(
    config: EvalConfig, spec: DatasetSpec, distance: FeatureDistanceConfig
) -> OpenedSide:
    if config.data_dir is not None:
        return open_side(config.data_dir, distance)
    if spec.exact_masks:
        return _world(spec, distance, HELD_OUT + config.seed)
    raise MissingAssetError(
        f"Real images of {spec.title} are needed ({spec.source}). Give their folder with --data, "
        "or statistics that `l4f-bench fid FOLDER --save-stats FILE.npz` made of them."
    )


def _world(spec: DatasetSpec, distance: FeatureDistanceConfig, seed: int) -> OpenedSide:
    world = ShapesSet(num_images=distance.samples, resolution=spec.resolution, seed=seed)
    return OpenedSide(spec.title, world)


def _generated_side(
    config: EvalConfig, spec: DatasetSpec, quality: QualityConfig
) -> tuple[OpenedSide, dict[str, str]]:
    """The method's samples, and the SHA-256 of the files that make them."""
    if config.method == PLAIN:
        given = quality.generator
        name = str(given or spec.generator_weights)  # not where on this machine the usual one is
        samples = generator_set(given or generator_file(spec.name), quality.distance, name)
        return OpenedSide(name, samples), {"generator": samples.sha256}
    if config.method == REAL and spec.exact_masks:
        return _world(spec, quality.distance, HELD_OUT + _OTHER_WORLD + config.seed), {}
    known = [PLAIN, *installed_names(LOADERS)]
    if config.method not in known:
        title = METHODS.get(config.method).title
        kept = " It keeps its StyleGAN2's images." if config.method == OURS else ""
        raise InputError(f"{title} makes no images of its own.{kept} Possible: {', '.join(known)}.")
    distance = quality.distance
    method, digests = load_generative(
        config.method, spec.name, generator=quality.generator, device=distance.device
    )
    drawn = MethodSet(
        config.method,
        method,
        num_images=distance.samples,
        truncation=distance.truncation,
        seed=distance.seed,
    )
    return OpenedSide(METHODS.get(config.method).title, drawn), digests
