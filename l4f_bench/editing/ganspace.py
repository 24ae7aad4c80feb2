"""Principal components of W.

Source: GANSpace (NeurIPS 2020), its released code: scikit-learn's incremental PCA of mapped
latents, not whitened.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from l4f_bench.editing.extra import needed
from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.progress import Progress, silent
from l4f_bench.seeds import normal

FloatArray = npt.NDArray[np.floating[Any]]

MIN_BATCH = 2000
NUM_STDEV_SAMPLES = 5000
_MAPPED_TOGETHER = 10_000


class Components(NamedTuple):
    """Directions of W in which samples vary most."""

    components: FloatArray
    """Unit rows ``[k, w_dim]``; each with its largest entry positive."""
    mean: FloatArray
    """``[w_dim]``."""
    stdev: FloatArray
    """Square roots of the explained variances ``[k]``, divisor n - 1."""
    variance_ratio: FloatArray
    """Explained part of the whole variance ``[k]``."""


def incremental_pca(
    w: FloatArray, num_components: int, batch_size: int, progress: Progress = silent
) -> Components:
    """Principal components of ``w`` ``[N, w_dim]``, taken batch by batch.

    Few components between batches make the result depend on the batch size and the order: it is not
    the PCA of all samples. Rows after the last whole batch are left out, as they were published.

    Args:
        w: The latents.
        num_components: How many, at the most as many as a batch or ``w_dim``.
        batch_size: Rows at a time.
        progress: Told how many rows are done.

    Raises:
        InputError: There is no whole batch, or a batch has fewer rows than there are components.
        MissingDependencyError: scikit-learn is not installed.
    """
    if not 1 <= num_components <= min(batch_size, w.shape[1]) or len(w) < batch_size:
        raise InputError(
            f"{num_components} components cannot be found in {len(w)} samples of {w.shape[1]} "
            f"numbers by batches of {batch_size}. Take more samples, or fewer components."
        )
    solver, advance = new_solver(num_components), progress(len(w) // batch_size * batch_size)
    for start in range(0, len(w) - batch_size + 1, batch_size):
        solver.partial_fit(w[start : start + batch_size])
        advance(batch_size)
    rows = solver.components_
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)
    return Components(
        rows * np.where(largest < 0, -1, 1),
        solver.mean_,
        np.sqrt(solver.explained_variance_),
        solver.explained_variance_ratio_,
    )


def new_solver(num_components: int) -> Any:
    """The incremental PCA of scikit-learn.

    Raises:
        MissingDependencyError: scikit-learn is not installed.
    """
    with needed("scikit-learn", "GANSpace"):
        from sklearn.decomposition import IncrementalPCA
    return IncrementalPCA(num_components)


def coordinate_stdev(components: FloatArray, w: FloatArray) -> FloatArray:
    """Population standard deviation ``[k]`` of the coordinates of ``w``, which are not centred.

    It is the unit of edits along the components.
    """
    stdev: FloatArray = (w @ components.T).std(axis=0)
    return stdev


def published_batch(num_components: int) -> int:
    """Samples in a batch of the released code."""
    return max(MIN_BATCH, 3 * num_components)


@torch.no_grad()
def mapped(generator: Generator, num_latents: int, *, seed: int, index: int) -> FloatArray:
    """Latents w ``[num_latents, w_dim]`` of a seed, not truncated; ``index`` gives others."""
    z = normal((num_latents, generator.architecture.z_dim), seed=seed, index=index)
    parts = torch.split(z.to(generator.input.input), _MAPPED_TOGETHER)
    return np.concatenate([generator.mapping(part).cpu().numpy() for part in parts])
