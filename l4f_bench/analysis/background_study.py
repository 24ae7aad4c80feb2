"""The analysis of background channels of a generator, from its samples to a record."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from l4f_bench.analysis.config import BackgroundConfig
from l4f_bench.analysis.crops import Box, background_box, cut_background
from l4f_bench.analysis.gradients import (
    background_gradients,
    curated,
    layer_names,
    shuffled,
    whole_layer,
)
from l4f_bench.analysis.layers import FloatArray
from l4f_bench.analysis.records import BackgroundRecord, BackgroundRow, CuratedFacts, Tiles
from l4f_bench.analysis.rule import interval, resampled_means
from l4f_bench.analysis.sampling import bytes_of, opened, painted, plain
from l4f_bench.annotators.choice import annotator_config
from l4f_bench.annotators.loading import open_annotator
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device, to_bytes
from l4f_bench.distributed import in_rounds
from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import CONSTANT_LAYER, BackgroundMode, Generator
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import provenance

MEASURES = ("summed", "per_element", "zeroed_error")
"""What is measured of every layer; fields of a row, each also with ``shuffled_`` before it."""

_SHOWN = 6  # samples in the figure
_TRIES = 10  # images looked at for each background wanted
FindMask = Callable[[Tensor], Tensor | None]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A generator that is measured."""

    network: Generator
    centre: Tensor
    config: BackgroundConfig

    def painted(self, index: int, image: int = 0) -> tuple[Tensor, list[Tensor]]:
        """Latent and noise of a sample, or of the image that its background is cut from."""
        config = self.config
        return painted(
            self.network, self.centre, [index],
            seed=config.seed, truncation=config.truncation, image=image,
        )  # fmt: skip

    @torch.no_grad()
    def image(self, index: int, image: int = 0, background: BackgroundMode | None = None) -> Tensor:
        """A sample ``[1, 3, size, size]``."""
        w, noise = self.painted(index, image)
        return self.network.synthesis(w, noise=noise, background=background)


@dataclass(frozen=True, slots=True)
class _Measured:
    """All samples of one generator."""

    values: dict[str, FloatArray]
    """By measure ``[N, L]``."""
    channels: list[FloatArray]
    """Norms of each layer's channels ``[C]``, mean over samples."""


def study_background(
    config: BackgroundConfig, progress: Progress = silent
) -> tuple[BackgroundRecord, Tiles]:
    """Analyse which layers of a generator hold the object.

    Args:
        config: What is asked.
        progress: Told of every sample of the generator, and of the shuffled one.

    Returns:
        The record, and images for the figure: samples as they are and with each layer zeroed.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: A name is unknown, the device, or no image has a background to cut out.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    started = time.perf_counter()
    network, centre, digest = opened(config.dataset, config.generator, config.device)
    find_mask, digests = _mask_finder(config)
    subject = _Subject(network, centre, config)
    boxes, rejected = _boxes(subject, find_mask)
    other = shuffled(network, config.seed)
    stranger = _Subject(other, other.mean_latent(), config)
    advance = progress(2 * len(boxes))
    own = _measure(subject, boxes, advance)
    shuffle = _measure(stranger, boxes, advance)
    names = layer_names(network)
    leaders = _leaders(own, shuffle, names)
    first = names.index(leaders["summed"])
    norms = own.channels[first]
    threshold = config.threshold * float(norms.max())
    curation = curated(norms.tolist(), threshold, layer=first + CONSTANT_LAYER)
    mode, reason = _advice(leaders)
    record = BackgroundRecord(
        dataset_title=DATASETS.get(config.dataset).title,
        size=network.architecture.size,
        config=plain(config),
        provenance=provenance(),
        digests={"generator": digest, **digests},
        seconds=round(time.perf_counter() - started, 3),
        rows=_rows(network, own, shuffle, config.seed),
        leaders=leaders,
        mode=mode,
        reason=reason,
        curated=CuratedFacts(
            layer=curation.layer,
            threshold=threshold,
            channels=list(curation.channels),
            of=len(norms),
        ),
        crops=list(boxes.values()),
        rejected=rejected,
        channel_norms=norms.tolist(),
    )
    return record, _tiles(subject, list(boxes)[:_SHOWN], curation)


def _mask_finder(config: BackgroundConfig) -> tuple[FindMask, dict[str, str]]:
    """What finds the foreground of an image, if anything, and the digests of its files."""
    if config.annotator is None:
        return lambda image: None, {}
    chosen = annotator_config(config.annotator, config.dataset)
    chosen = replace(chosen, weights=config.annotator_weights)
    annotator, digests = open_annotator(
        chosen, choose_device(config.device), dataset=config.dataset
    )
    return lambda image: annotator.annotate(to_bytes(image)).mask[0], digests


def _boxes(subject: _Subject, find_mask: FindMask) -> tuple[dict[int, Box], int]:
    """Where the background of each sample is cut out, by its index, and how many have none."""
    config = subject.config
    found: dict[int, Box] = {}
    side = max(round(config.crop * subject.network.architecture.size), 1)
    tried = 0
    while len(found) < config.samples and tried < _TRIES * config.samples:
        image = subject.image(tried, image=1)
        mask = find_mask(image)
        box = background_box(image[0], side, None if mask is None else mask.to(image.device))
        if box is not None:
            found[tried] = box
        tried += 1
    if len(found) < config.samples:
        raise InputError(
            f"Only {len(found)} of {tried} images have a background of {side} pixels a side. Use "
            "a smaller --crop."
        )
    return found, tried - len(found)


def _measure(
    subject: _Subject, boxes: dict[int, Box], advance: Callable[[int], object]
) -> _Measured:
    """Every measure of every sample; one at a time, so that results do not depend on a batch."""
    values: dict[str, list[FloatArray]] = {name: [] for name in MEASURES}
    channels: list[FloatArray] = []
    for some in in_rounds(lambda index: _measure_one(subject, index, boxes[index]), [*boxes]):
        for found, layers in some:
            for name in MEASURES:
                values[name].append(found[name])
            norms = [layer / len(boxes) for layer in layers]
            channels = [a + b for a, b in zip(channels, norms, strict=True)] if channels else norms
        advance(len(some))
    return _Measured({name: np.stack(rows) for name, rows in values.items()}, channels)


def _measure_one(
    subject: _Subject, index: int, box: Box
) -> tuple[dict[str, FloatArray], list[FloatArray]]:
    """Every measure ``[L]`` of one sample, and the norms of each layer's channels ``[C]``."""
    w, noise = subject.painted(index)
    target = cut_background(subject.image(index, image=1), box)
    found = background_gradients(subject.network, w, target, noise=noise)
    measures = {
        "summed": found.summed()[0].double().cpu().numpy(),
        "per_element": found.per_element()[0].double().cpu().numpy(),
        "zeroed_error": _zeroed_error(subject, index, target, float(found.loss)),
    }
    return measures, [layer[0].double().cpu().numpy() for layer in found.layers]


def _zeroed_error(subject: _Subject, index: int, target: Tensor, loss: float) -> FloatArray:
    """Squared error to the background with each layer zeroed ``[L]``, over that of the image."""
    count = subject.network.architecture.num_layers
    errors = [
        float((subject.image(index, background=mode) - target).square().sum())
        for mode in (whole_layer(subject.network, i) for i in range(CONSTANT_LAYER, count))
    ]
    return np.array(errors) / loss


def _rows(network: Generator, own: _Measured, shuffle: _Measured, seed: int) -> list[BackgroundRow]:
    estimates = {name: _estimates(values, seed) for name, values in own.values.items()}
    for name, values in shuffle.values.items():
        estimates[f"shuffled_{name}"] = _estimates(values, seed)
    return [
        BackgroundRow(
            name=name,
            resolution=network.layer_resolution(max(layer + CONSTANT_LAYER, 0)),
            channels=len(own.channels[layer]),
            **{key: found[layer] for key, found in estimates.items()},
        )
        for layer, name in enumerate(layer_names(network))
    ]


def _estimates(values: FloatArray, seed: int) -> list[Estimate]:
    """Mean over samples of ``[N, L]``, by layer, with intervals."""
    resampled = resampled_means(values.T[:, None], seed=seed)
    return [interval(float(column.mean()), resampled[:, i]) for i, column in enumerate(values.T)]


def _leaders(own: _Measured, shuffle: _Measured, names: Sequence[str]) -> dict[str, str]:
    """The layer with the largest mean of each gradient measure."""
    return {
        f"{prefix}{name}": names[int(found.values[name].mean(axis=0).argmax())]
        for prefix, found in (("", own), ("shuffled_", shuffle))
        for name in ("summed", "per_element")
    }


def _advice(leaders: dict[str, str]) -> tuple[str, str]:
    """The mode that the paper's rule gives, and what it rests on."""
    leader, alone = leaders["summed"], leaders["shuffled_summed"]
    mode = {"input": "constant", "conv1": "first-conv"}.get(leader, f"all channels of {leader}")
    says = (
        "so the measure would say this of any generator"
        if alone == leader
        else "so this is not the measure's alone"
    )
    reason = (
        f"summed norms are largest at {leader}; with shuffled weights at {alone}, {says}; by "
        f"element they are largest at {leaders['per_element']}, with shuffled weights at "
        f"{leaders['shuffled_per_element']}"
    )
    return mode, reason


def _tiles(subject: _Subject, indices: Sequence[int], curation: BackgroundMode) -> Tiles:
    """Samples as they are, with each layer zeroed, and with the curated channels zeroed."""
    network = subject.network
    layers = range(CONSTANT_LAYER, network.architecture.num_layers)
    modes = [None, *(whole_layer(network, layer) for layer in layers), curation]
    rows = [
        bytes_of(torch.cat([subject.image(index, background=mode) for mode in modes]))
        for index in indices
    ]
    return Tiles(("sample", *layer_names(network), "curated"), np.stack(rows))
