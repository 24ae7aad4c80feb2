"""Boundaries of InterFaceGAN: hyperplanes that part latents by what their images show.

A boundary is the unit normal of its hyperplane, ``[1, D]``.
Source: InterFaceGAN (TPAMI 2020), and its released code.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from l4f_bench.editing.extra import needed
from l4f_bench.errors import InputError

FloatArray = npt.NDArray[np.floating[Any]]

CHOSEN = 0.02
SPLIT = 0.7
MIN_PER_SIDE = 2


class FittedBoundary(NamedTuple):
    """A boundary and how well it parts latents that it was not fitted to."""

    boundary: FloatArray
    """Unit normal ``[1, D]``, towards high scores."""
    accuracy: float | None
    """Part of the latents held out that lie on their own side; None where none were."""
    num_fitted: int
    """Latents that it was fitted to."""


def fit_boundary(
    codes: FloatArray,
    scores: FloatArray,
    *,
    chosen: float = CHOSEN,
    split: float = SPLIT,
    seed: int = 0,
) -> FittedBoundary:
    """Part the latents of the highest scores from those of the lowest by a linear SVM (C = 1).

    Args:
        codes: Latents ``[N, D]``.
        scores: ``[N]`` or ``[N, 1]``.
        chosen: Latents on each side: up to 1 a part of all, above 1 a number; N / 2 at the most.
        split: Part of these that the boundary is fitted to; the others measure it.
        seed: Seed of the split.

    Raises:
        InputError: The shapes do not fit, or fewer than :data:`MIN_PER_SIDE` latents are left.
        MissingDependencyError: scikit-learn is not installed.
    """
    scores = np.asarray(scores).reshape(-1)
    if codes.ndim != 2 or len(codes) != len(scores):
        raise InputError(
            f"Latents of shape {list(codes.shape)} and {len(scores)} scores do not fit. Give one "
            "score for each latent [N, D]."
        )
    wanted = int(len(codes) * chosen) if chosen <= 1 else int(chosen)
    number = min(wanted, len(codes) // 2)
    fitted = int(number * split)
    if fitted < MIN_PER_SIDE:
        raise InputError(
            f"{len(codes)} scored latents leave {max(fitted, 0)} on each side to fit a boundary "
            f"to. Score more samples, or choose more of them: {MIN_PER_SIDE} a side at the least."
        )
    order = np.argsort(scores, kind="stable")
    if not scores[order[number - 1]] < scores[order[-number]]:
        raise InputError("The scores of both sides are equal. Score samples that differ.")
    with needed("scikit-learn", "Fitting a boundary"):
        from sklearn.svm import SVC
    svm = SVC(kernel="linear")
    source = np.random.default_rng(seed)
    low, high = (source.permutation(side) for side in (order[:number], order[-number:]))
    svm.fit(
        np.concatenate([codes[high[:fitted]], codes[low[:fitted]]]), [1] * fitted + [0] * fitted
    )
    normal = svm.coef_.reshape(1, -1)
    accuracy = None
    if held_out := number - fitted:
        held = np.concatenate([codes[high[fitted:]], codes[low[fitted:]]])
        accuracy = float(svm.score(held, [1] * held_out + [0] * held_out))
    return FittedBoundary(normal / np.linalg.norm(normal), accuracy, 2 * fitted)


def condition(boundary: FloatArray, others: FloatArray) -> FloatArray:
    """A boundary made orthogonal to others, so that an edit along it leaves those alone.

    Args:
        boundary: ``[D]`` or ``[1, D]``.
        others: ``[K, D]``.

    Returns:
        Unit normal ``[1, D]``.

    Raises:
        InputError: Nothing is left of it.
    """
    row = np.asarray(boundary, np.float64).reshape(-1)
    fixed = np.asarray(others, np.float64)
    rest = row - fixed.T @ np.linalg.lstsq(fixed.T, row, rcond=None)[0]
    length = np.linalg.norm(rest)
    if length < 1e-6 * np.linalg.norm(row):
        raise InputError("The boundary lies within those to be left alone. Leave some of them out.")
    result: FloatArray = (rest / length)[None]
    return result


def interpolate(
    latents: FloatArray, boundary: FloatArray, start: float, end: float, steps: int
) -> FloatArray:
    """Latents along a boundary's normal, at equal steps.

    Two meanings of distance are published under one name: in W it is absolute, so that every
    latent lands at the same distances from the hyperplane; in W+ relative to where it is.

    Args:
        latents: w ``[1, D]``, or w+ ``[1, L, D]`` whose rows all move.
        boundary: ``[1, D]``.
        start: First distance.
        end: Last distance.
        steps: How many.

    Returns:
        ``[steps, D]`` or ``[steps, L, D]``.

    Raises:
        InputError: The latents have another shape.
    """
    distances = np.linspace(start, end, steps)
    if latents.ndim not in (2, 3) or len(latents) != 1:
        raise InputError(f"Latents of shape {list(latents.shape)}: give w [1, D] or w+ [1, L, D].")
    if latents.ndim == 2:
        return latents + (distances[:, None] - latents @ boundary.T) * boundary
    return latents + distances[:, None, None] * boundary[None]
