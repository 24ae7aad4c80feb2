"""Directions of a generator by any of the ways, as one file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from l4f_bench.editing.boundaries import fit_boundary
from l4f_bench.editing.config import FitConfig
from l4f_bench.editing.directions import Directions
from l4f_bench.editing.edits import parse_rows
from l4f_bench.editing.ganspace import (
    NUM_STDEV_SAMPLES,
    coordinate_stdev,
    incremental_pca,
    mapped,
    new_solver,
    published_batch,
)
from l4f_bench.editing.labelled import labelled
from l4f_bench.editing.sefa import convolution_weights, factorise, sefa, style_weights
from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.loading import TrainedGenerator, load_trained
from l4f_bench.generators.usual import generator_file
from l4f_bench.progress import Progress, silent

SEFA_COMPONENTS, GANSPACE_COMPONENTS = 10, 80
GANSPACE_SAMPLES, GANSPACE_SAMPLES_OF_SHAPES = 300_000, 20_000


def fit(config: FitConfig, progress: Progress = silent) -> Directions:
    """Find directions, on the CPU.

    Args:
        config: Which, and from what.
        progress: Told how many latents are done, where that takes long.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: The options do not fit the generator, or there are too few samples.
        MissingAssetError: Weights are missing; the message says how to get them.
        MissingDependencyError: An optional package is missing.
    """
    trained = load_trained(config.generator or generator_file(config.dataset))
    if config.by == "ganspace":
        return _ganspace(config, trained, progress)
    if config.by == "boundary":
        return _boundary(config, trained, progress)
    return _by_weights(config, trained)


def fit_weights(
    trained: TrainedGenerator, layers: tuple[int, ...] | None, count: int
) -> Directions:
    """The first directions of SeFa, which needs no samples.

    Raises:
        InputError: A layer does not exist.
    """
    found = sefa(style_weights(trained.network, layers))
    return _directions("sefa", found.directions[:count], trained, rows=layers)


def _by_weights(config: FitConfig, trained: TrainedGenerator) -> Directions:
    count = config.components or SEFA_COMPONENTS
    width = trained.network.architecture.w_dim
    if count > width:
        raise InputError(f"--components {count} is too large: there are {width} directions.")
    about = {"fit": asdict(config)}
    if config.by == "factorisation":
        vectors = factorise(convolution_weights(trained.network)).directions[:count]
        return _directions("factorisation", vectors, trained, about=about)
    try:
        layers = None if config.layers is None else parse_rows(config.layers)
    except ValueError:
        raise InputError(f"--layers {config.layers:.40} is no list like 0-3,7.") from None
    found = fit_weights(trained, layers, count)
    return _directions("sefa", found.vectors, trained, rows=layers, about=about)


def _ganspace(config: FitConfig, trained: TrainedGenerator, progress: Progress) -> Directions:
    generator = trained.network
    usual = GANSPACE_SAMPLES_OF_SHAPES if config.dataset == "shapes" else GANSPACE_SAMPLES
    samples = config.samples or usual
    count = config.components or min(GANSPACE_COMPONENTS, generator.architecture.w_dim)
    batch = published_batch(count)
    if samples < batch:
        raise InputError(
            f"--samples {samples} is too small: {count} components are found by batches of {batch} "
            f"samples. Give {batch} or more."
        )
    new_solver(count)  # where it is missing, that is said before the samples, which take minutes
    latents = mapped(generator, samples, seed=config.seed, index=0)
    found = incremental_pca(latents, count, batch, progress)
    more = mapped(generator, NUM_STDEV_SAMPLES, seed=config.seed, index=1)
    return _directions(
        "ganspace",
        torch.from_numpy(found.components),
        trained,
        stdev=torch.from_numpy(coordinate_stdev(found.components, more)).float(),
        mean=torch.from_numpy(found.mean).float(),
        about={"fit": asdict(config), "variance_ratio": found.variance_ratio.tolist()},
    )


def _boundary(config: FitConfig, trained: TrainedGenerator, progress: Progress) -> Directions:
    found = labelled(config, trained, progress)
    fitted = fit_boundary(found.codes, found.scores, chosen=found.chosen, seed=config.seed)
    about = {"accuracy": fitted.accuracy, "num_fitted": fitted.num_fitted}
    vectors = torch.from_numpy(fitted.boundary)
    return _directions("boundary", vectors, trained, about={"fit": asdict(config), **about})


def _directions(kind: str, vectors: Tensor, trained: TrainedGenerator, **facts: Any) -> Directions:
    about = facts.pop("about", None)
    if about is not None:  # paths as texts
        about["fit"] = {name: _plain(value) for name, value in about["fit"].items()}
    return Directions(
        kind=kind,
        vectors=vectors.float().contiguous(),
        generator=trained.sha256,
        about=about,
        **facts,
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
