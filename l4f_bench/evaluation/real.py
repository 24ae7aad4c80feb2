"""An image method on images of the shapes world against their exact masks."""

from __future__ import annotations

import time
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.loading import open_annotator, usual_annotator
from l4f_bench.config import EvalConfig, RealConfig, to_json
from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import gathered, shard
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record, image_entry
from l4f_bench.methods.contracts import ImageMethod
from l4f_bench.methods.labels4free.loading import choose_device
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.counts import count_levels, count_pixels
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.module import threshold_steps
from l4f_bench.metrics.protocols import PROTOCOLS, IntArray
from l4f_bench.progress import Progress
from l4f_bench.provenance import provenance

# Training draws the worlds of seeds from 0 up; no image of it is met again from here on.
_FIRST_WORLD = 1 << 32
_BATCH = 50


class AnnotatorMethod:
    """An annotator on the other side of the scales: its masks are what is scored."""

    def __init__(self, annotator: Annotator) -> None:
        """Score ``annotator``, accepted or not."""
        self._annotator = annotator

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`ImageMethod`."""
        return self._annotator.annotate(image).mask[:, None].float().cpu()


def evaluate_real(config: EvalConfig, progress: Progress) -> Record:
    """Score an image method on images that training never saw.

    Raises:
        InputError: The data set has no exact masks, or the method segments no images.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    started = time.perf_counter()
    real, protocol = config.real or RealConfig(), PROTOCOLS.get(config.protocol)
    method, digests = _load(config, real)
    advance = progress(real.num_images)
    rows = []
    for start in range(0, real.num_images, _BATCH):
        own = shard(range(start, min(start + _BATCH, real.num_images)))
        rows += sorted(chain(*gathered(_count(config, method, own))), key=lambda row: row[0])
        advance(min(start + _BATCH, real.num_images) - start)
    table = np.stack([counts for _, counts, _ in rows])
    with_levels = protocol.f_measure is not None
    return Record(
        method=config.method,
        label=f"{METHODS.get(config.method).title.lower()} against exact masks",
        dataset=config.dataset,
        setting=config.setting,
        truth="exact",
        truncation=None,
        protocol=protocol.name,
        n=len(rows),
        scores=estimate(
            protocol,
            table,
            np.stack([levels for _, _, levels in rows]) if with_levels else None,
            seed=config.seed,
        ),
        images=[{"index": index, **image_entry(counts)} for index, counts, _ in rows],
        config=to_json(config),
        provenance=provenance(),
        digests=digests,
        seconds=round(time.perf_counter() - started, 3),
    )


def _count(
    config: EvalConfig, method: ImageMethod, indices: range
) -> list[tuple[int, IntArray, IntArray]]:
    """Index, counts ``[4]`` and counts of every threshold of these images."""
    if not indices:  # of the last batch, some processes get nothing
        return []
    resolution = DATASETS.get(config.dataset).resolution
    images, masks = shapes_batch(indices, resolution=resolution, seed=_FIRST_WORLD + config.seed)
    alpha = method.segment(torch.from_numpy(images))[:, 0]
    steps = threshold_steps(alpha).to(torch.uint8).numpy()
    return [
        (index, count_pixels(preds, target), count_levels(step, target))
        for index, preds, step, target in zip(
            indices, (alpha > 0.5).numpy(), steps, masks, strict=True
        )
    ]


def _load(config: EvalConfig, real: RealConfig) -> tuple[ImageMethod, dict[str, str]]:
    spec = DATASETS.get(config.dataset)
    if not spec.exact_masks:
        raise InputError(
            f"{spec.title} has no exact masks here. Use --on custom for hand-drawn ones, or "
            "--dataset shapes."
        )
    source = real.annotator or usual_annotator(spec.name)
    if config.method != source.name:
        raise InputError(
            f"{METHODS.get(config.method).title} does not segment images of {spec.title} here. "
            f"Possible: {source.name}."
        )
    annotator, digest = open_annotator(source, choose_device(real.device), dataset=spec.name)
    return AnnotatorMethod(annotator), {"annotator": digest}
