"""Latents with a score each, which a boundary is fitted to: from a table, or from two folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.editing.boundaries import CHOSEN
from l4f_bench.editing.config import FitConfig
from l4f_bench.editing.latent_files import read_numbers, read_score_table
from l4f_bench.errors import InputError
from l4f_bench.evaluation.ranges import check_sampling
from l4f_bench.generators.checkpoints.loading import TrainedGenerator
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import truncate
from l4f_bench.progress import Progress
from l4f_bench.projection.code_folder import is_code_folder, open_codes
from l4f_bench.projection.encoder_file import load_encoder
from l4f_bench.projection.placement import fitted
from l4f_bench.projection.projectors import EncoderProjector
from l4f_bench.runs import CONFIG, identity_in

MIN_SCORED, MIN_IN_FOLDER = 20, 10
"""Latents that a boundary is fitted to at the least: scored ones, and those of each folder."""

FloatArray = npt.NDArray[np.floating[Any]]


class Labelled(NamedTuple):
    """Latents and what they show."""

    codes: FloatArray
    """w ``[N, w_dim]``; of W+ the mean of the rows."""
    scores: FloatArray
    """``[N]``."""
    chosen: float
    """Latents on each side, as :func:`l4f_bench.editing.boundaries.fit_boundary` takes it."""


def labelled(config: FitConfig, trained: TrainedGenerator, progress: Progress) -> Labelled:
    """The latents that a configuration labels.

    Args:
        config: From which files.
        trained: The generator whose latents they are.
        progress: Told how many images of a folder an encoder has projected.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: There are too few, or they are not of this generator.
    """
    if config.positive is not None and config.negative is not None:
        return _of_folders(config.negative, config.positive, config.encoder, trained, progress)
    codes, scores = _scored(config, trained)
    if len(codes) < MIN_SCORED:
        raise InputError(
            f"{len(codes)} scored samples are too few for a boundary. Score {MIN_SCORED} or more; "
            "hundreds are usual."
        )
    width = trained.network.architecture.w_dim
    if codes.ndim != 2 or codes.shape[1] != width:
        raise InputError(f"Latents of shape {list(codes.shape)} are no w [N, {width}].")
    return Labelled(codes, scores, CHOSEN if config.chosen is None else config.chosen)


def _scored(config: FitConfig, trained: TrainedGenerator) -> tuple[FloatArray, FloatArray]:
    """Latents and their scores, from files."""
    assert config.scores is not None, "checked by the configuration"
    if config.latents is not None:
        scores = read_numbers(config.scores).double().flatten().numpy()
        return read_numbers(config.latents).numpy(), scores
    indices, scores = read_score_table(config.scores)
    if not indices:
        raise InputError(f"{config.scores} holds no scores.")
    return _samples(trained, indices, config.seed, config.truncation).numpy(), scores


def _of_folders(
    negative: Path,
    positive: Path,
    encoder: Path | None,
    trained: TrainedGenerator,
    progress: Progress,
) -> Labelled:
    """The latents of two folders, with the scores 0 and 1."""
    found = []
    for folder in (negative, positive):
        codes = _codes_of(folder, encoder, trained, progress)
        if len(codes) < MIN_IN_FOLDER:
            raise InputError(
                f"{folder} holds {len(codes)} latents, too few for a boundary. Give "
                f"{MIN_IN_FOLDER} or more in each folder; hundreds are usual."
            )
        found.append(codes.numpy())
    low, high = found
    both = {row.tobytes() for row in low} & {row.tobytes() for row in high}
    if both:
        raise InputError(
            f"{len(both)} images are in {negative} and in {positive}. Leave each in one of them."
        )
    scores = np.concatenate([np.zeros(len(low)), np.ones(len(high))])
    return Labelled(np.concatenate(found), scores, min(len(low), len(high)))


@torch.no_grad()
def _codes_of(
    folder: Path, encoder: Path | None, trained: TrainedGenerator, progress: Progress
) -> Tensor:
    """Latents w ``[N, w_dim]`` of what a folder holds."""
    if is_code_folder(folder):
        codes = open_codes(folder, trained.sha256)
        found = [codes.code(index)[0] for index in range(len(codes))]
        return trained.network.w_plus(torch.cat(found)).mean(dim=1)
    if (folder / CONFIG).is_file():
        return _of_samples(folder, trained)
    if encoder is None:
        raise InputError(
            f"{folder} is no folder of `l4f-bench project` or `sample`, so it holds no latents. "
            "Project its images first, or give an encoder with --encoder FILE."
        )
    projector = EncoderProjector(load_encoder(encoder), trained.network, None)
    shape = projector.frame.picture_size(trained.network.architecture.size)
    found, paths = [], image_files(folder).paths
    advance = progress(len(paths))
    for path in paths:
        photograph = read_rgb(path).pixels
        placement = fitted((photograph.shape[1], photograph.shape[2]), shape, "pad")
        found.append(projector.codes(photograph, placement).mean(dim=1))
        advance(1)
    return torch.cat(found)


def _of_samples(folder: Path, trained: TrainedGenerator) -> Tensor:
    """Latents of the samples in a folder of ``sample`` whose images are still there."""
    identity = identity_in(folder)
    digests = identity.get("sha256")
    if identity.get("method") != "ours" or not isinstance(digests, dict):
        raise InputError(f"{folder} holds no samples of ours. Give what `l4f-bench sample` wrote.")
    if digests.get("generator") != trained.sha256:
        raise InputError(
            f"The samples in {folder} are of another generator. Give that one with --generator "
            "FILE."
        )
    seed, truncation = identity.get("seed"), identity.get("truncation")
    if type(seed) is not int or not isinstance(truncation, (int, float)):
        raise InputError(f"{folder / CONFIG} is damaged. Make the samples again.")
    check_sampling([truncation], seed)
    names = [path.stem for path in sorted((folder / "images").glob("*.png"))]
    return _samples(trained, [int(name) for name in names if name.isdecimal()], seed, truncation)


@torch.no_grad()
def _samples(
    trained: TrainedGenerator, indices: Sequence[int], seed: int, truncation: float
) -> Tensor:
    """Latents w ``[N, w_dim]`` of samples: up to rounding as ``sample`` makes them."""
    network = trained.network
    latents = [
        truncate(
            network.mapping(draw(network.architecture, [index], seed=seed).z),
            truncation,
            trained.mean_latent,
        )
        for index in indices
    ]
    return torch.cat(latents) if latents else trained.mean_latent[:0]
