"""An image method on images of the shapes world, against exact masks or the annotator's.

Both truths on the same images tell how far pseudo ground truth can be trusted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.loading import described, open_annotator, usual_annotator
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.cache import cached_weight
from l4f_bench.config import AnnotatorConfig, EvalConfig, RealConfig, to_json
from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.distributed import gathered, shard
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record, image_entry
from l4f_bench.methods.contracts import ImageMethod
from l4f_bench.methods.specs import METHODS, STUDENT
from l4f_bench.metrics.counts import COUNT_NAMES, count_levels, count_pixels
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS, IntArray
from l4f_bench.metrics.thresholds import threshold_steps
from l4f_bench.progress import Progress
from l4f_bench.provenance import provenance, sha256_of

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
    source = real.annotator or usual_annotator(config.dataset)
    scene, digests = _open_scene(config, real, source)
    advance = progress(real.num_images)
    rows: list[_Row] = []
    for start in range(0, real.num_images, _BATCH):
        own = shard(range(start, min(start + _BATCH, real.num_images)))
        rows += sorted(chain(*gathered(_count(scene, own))), key=lambda row: row.index)
        advance(min(start + _BATCH, real.num_images) - start)
    table = np.array([row.counts for row in rows], dtype=np.int64).reshape(-1, len(COUNT_NAMES))
    levels = np.stack([row.levels for row in rows]) if protocol.f_measure and rows else None
    truth = "exact" if real.truth == "exact" else source.name
    return Record(
        method=config.method,
        label=_label(config.method, truth, real.subset),
        dataset=config.dataset,
        setting="real",
        truth=truth,
        annotation=described(source, scene.annotator),
        subset=real.subset,
        truncation=None,
        protocol=protocol.name,
        n=len(rows),
        scores=estimate(protocol, table, levels, seed=config.seed),
        images=[{"index": row.index, **image_entry(row.counts)} for row in rows],
        config=to_json(config),
        provenance=provenance(),
        digests=digests,
        drawn=real.num_images,
        seconds=round(time.perf_counter() - started, 3),
    )


def _label(method: str, truth: str, subset: str) -> str:
    against = "exact masks" if truth == "exact" else truth
    chosen = "" if subset == "all" else f", {subset}"
    return f"{METHODS.get(method).title.lower()} against {against}{chosen}"


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is scored, against what."""

    method: ImageMethod
    annotator: Annotator
    config: RealConfig
    resolution: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One image, counted."""

    index: int
    counts: IntArray
    levels: IntArray


def _count(scene: _Scene, indices: range) -> list[_Row]:
    """Counts of those of the images that belong to the subset."""
    if not indices:  # of the last batch, some processes get nothing
        return []
    pixels, masks = shapes_batch(indices, resolution=scene.resolution, seed=scene.seed)
    images, targets = torch.from_numpy(pixels), torch.from_numpy(masks)
    alpha = scene.method.segment(images)[:, 0]
    wanted = [True] * len(indices)
    if scene.config.truth == "annotator" or scene.config.subset != "all":
        annotation = scene.annotator.annotate(images)
        if scene.config.truth == "annotator":
            targets = annotation.mask.cpu()
        if scene.config.subset != "all":
            wanted = [ok == (scene.config.subset == "accepted") for ok in annotation.accepted]
    steps = threshold_steps(alpha).to(torch.uint8).numpy()
    return [
        _Row(index, count_pixels(preds, target), count_levels(step, target))
        for index, preds, step, target, counts in zip(
            indices, (alpha > 0.5).numpy(), steps, targets.numpy(), wanted, strict=True
        )
        if counts
    ]


def _open_scene(
    config: EvalConfig, real: RealConfig, source: AnnotatorConfig
) -> tuple[_Scene, dict[str, str]]:
    """The networks, and the digests of their files."""
    spec = DATASETS.get(config.dataset)
    if not spec.exact_masks:
        raise InputError(
            f"{spec.title} has no exact masks here. Use --on custom for hand-drawn ones, or "
            "--dataset shapes."
        )
    if config.method not in (source.name, STUDENT):
        raise InputError(
            f"{METHODS.get(config.method).title} does not segment images of {spec.title} here. "
            f"Possible: {source.name}, {STUDENT}."
        )
    if real.truth == "annotator" and config.method == source.name:
        raise InputError(
            f"{METHODS.get(config.method).title} against its own masks says nothing. Leave out "
            f"--annotator, or score --method {STUDENT}."
        )
    device = choose_device(real.device)
    annotator, digests = open_annotator(source, device, dataset=spec.name)
    scored = annotator
    if config.method == STUDENT:
        path = real.student or cached_weight("shapes-student")
        scored, digests["student"] = load_parser(path, device), sha256_of(path)
    scene = _Scene(
        AnnotatorMethod(scored), annotator, real, spec.resolution, HELD_OUT + config.seed
    )
    return scene, digests
