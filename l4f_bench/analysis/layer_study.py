"""The analysis of RGB layers of a generator, from its samples to a record."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from l4f_bench.analysis.config import LayersConfig
from l4f_bench.analysis.layers import (
    FloatArray,
    LayerSsim,
    joined,
    layer_ssim,
    partial_images,
    with_layer_replaced,
)
from l4f_bench.analysis.records import LayerRow, LayersRecord, Tiles
from l4f_bench.analysis.rule import (
    Recommendation,
    first_kept,
    interval,
    mean_ssim,
    recommend,
    resampled_means,
)
from l4f_bench.analysis.sampling import bytes_of, opened, painted, plain
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import in_rounds
from l4f_bench.generators.architecture import resolutions
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.metrics.ssim_definitions import PRIMARY
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import provenance
from l4f_bench.seeds import normal

_SHOWN = 6  # samples in the figure
_STREAM = 16  # the noise of the RGB layers begins here, beyond a sample's own streams
_DIGITS = 6  # of a stored SSIM


def study_layers(config: LayersConfig, progress: Progress = silent) -> tuple[LayersRecord, Tiles]:
    """Analyse the RGB layers of a generator.

    Args:
        config: What is asked.
        progress: Told of every sample.

    Returns:
        The record, and images for the figure: samples as they are and without each layer.

    Raises:
        CheckpointError: The generator's file cannot be read.
        InputError: A name is unknown, or the device.
        MissingAssetError: There is no generator; the message says how to get one.
    """
    started = time.perf_counter()
    dataset = DATASETS.get(config.dataset)
    network, centre, digest = opened(config.dataset, config.generator, config.device)
    found = _measured(network, centre, config, progress)
    means = mean_ssim(found.ssim[PRIMARY])
    record = LayersRecord(
        dataset_title=dataset.title,
        size=network.architecture.size,
        config=plain(config),
        provenance=provenance(),
        digests={"generator": digest},
        seconds=round(time.perf_counter() - started, 3),
        rows=_rows(found, config),
        recommendation=recommend(found.resolutions, means, config.fall),
        ssim={name: values.round(_DIGITS).tolist() for name, values in found.ssim.items()},
    )
    return record, _tiles(network, centre, config, means)


def recommended_levels(network: Generator, centre: Tensor, *, truncation: float) -> Recommendation:
    """What the analysis with its usual options recommends for a generator.

    Args:
        network: In eval mode, on the device to compute on.
        centre: Centre of truncation, ``[1, w_dim]``.
        truncation: psi of the samples.
    """
    usual = LayersConfig(truncation=truncation)
    found = _measured(network, centre, usual, silent)
    return recommend(found.resolutions, mean_ssim(found.ssim[PRIMARY]), usual.fall)


def study_samples(
    network: Generator,
    centre: Tensor,
    indices: Sequence[int],
    *,
    draws: int,
    seed: int,
    truncation: float,
) -> LayerSsim:
    """SSIM of some samples without each RGB layer; those of one index never depend on the others.

    Args:
        network: In eval mode, on the device to compute on.
        centre: Centre of truncation, ``[1, w_dim]``.
        indices: Sample indices, as of ``l4f-bench sample``.
        draws: Noises in place of each layer.
        seed: Seed of samples and noise.
        truncation: psi of the samples.
    """
    w, noise = painted(network, centre, indices, seed=seed, truncation=truncation)
    rgb_noise = _rgb_noise(network, indices, draws=draws, seed=seed)
    return layer_ssim(network, w, [tensor.to(w) for tensor in rgb_noise], noise=noise)


def _measured(
    network: Generator, centre: Tensor, config: LayersConfig, progress: Progress
) -> LayerSsim:
    """SSIM of all samples; one at a time, so that results do not depend on a batch."""

    def study(index: int) -> LayerSsim:
        return study_samples(
            network, centre, [index],
            draws=config.draws, seed=config.seed, truncation=config.truncation,
        )  # fmt: skip

    advance, parts = progress(config.samples), []
    for found in in_rounds(study, range(config.samples)):
        parts += found
        advance(len(found))
    return joined(parts)


def _rgb_noise(
    network: Generator, indices: Sequence[int], *, draws: int, seed: int
) -> list[Tensor]:
    """One tensor ``[D, N, 3, r, r]`` for each resolution."""
    sides = resolutions(network.architecture.size)
    return [
        torch.stack(
            [
                normal((draws, 3, side, side), seed=seed, index=index, stream=_STREAM + level)
                for index in indices
            ],
            dim=1,
        )
        for level, side in enumerate(sides)
    ]


def _rows(found: LayerSsim, config: LayersConfig) -> list[LayerRow]:
    means = {name: mean_ssim(values) for name, values in found.ssim.items()}
    resampled = {
        name: resampled_means(values, seed=config.seed) for name, values in found.ssim.items()
    }
    primary = resampled[PRIMARY]
    chosen = [first_kept(row, config.fall) for row in primary]
    rows = []
    for level, resolution in enumerate(found.resolutions):
        fall = None
        if level:
            here, before = means[PRIMARY][level], means[PRIMARY][level - 1]
            with np.errstate(divide="ignore", invalid="ignore"):
                falls = 1 - primary[:, level] / primary[:, level - 1]
                fall = interval(float(1 - here / before), falls)
        rows.append(
            LayerRow(
                layer=level + 1,
                resolution=resolution,
                ssim={n: interval(means[n][level], resampled[n][:, level]) for n in means},
                fall=fall,
                rgb_std=float(found.rgb_std[level].mean()),
                chosen=chosen.count(level) / len(chosen),
            )
        )
    return rows


@torch.no_grad()
def _tiles(network: Generator, centre: Tensor, config: LayersConfig, means: FloatArray) -> Tiles:
    """Samples as they are, and with the first noise in place of each layer."""
    rows = []
    for index in range(min(_SHOWN, config.samples)):
        w, noise = painted(network, centre, [index], seed=config.seed, truncation=config.truncation)
        images = partial_images(network, w, noise=noise)
        rgb = _rgb_noise(network, [index], draws=config.draws, seed=config.seed)
        versions = [
            with_layer_replaced(network, images, level, tensor[0].to(w))
            for level, tensor in enumerate(rgb)
        ]
        rows.append(bytes_of(torch.cat([images[-1], *versions])))
    sides = resolutions(network.architecture.size)
    headers = [f"{side} px: {mean:.2f}" for side, mean in zip(sides, means, strict=True)]
    return Tiles(("sample", *headers), np.stack(rows))
