"""A generative method's samples against pseudo ground truth: the paper's Tables 1 and 2."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.loading import described, open_annotator, usual_annotator
from l4f_bench.config import AnnotatorConfig, EvalConfig, SampledConfig, to_json
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.devices import choose_device
from l4f_bench.distributed import gathered, is_first, num_processes, shard
from l4f_bench.evaluation.examples import Example
from l4f_bench.evaluation.records import Record, image_entry
from l4f_bench.methods.contracts import GenerativeMethod, Samples
from l4f_bench.methods.labels4free.loading import samples_per_batch
from l4f_bench.methods.loading import load_generative
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.counts import COUNT_NAMES, count_levels, count_pixels
from l4f_bench.metrics.intervals import Estimate, estimate
from l4f_bench.metrics.protocols import PROTOCOLS, IntArray, Protocol
from l4f_bench.metrics.thresholds import threshold_steps
from l4f_bench.progress import Advance, Progress
from l4f_bench.provenance import provenance


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """Which samples of a method are drawn."""

    truncation: float
    seed: int
    threshold: float
    """Alpha above which a pixel is foreground."""
    batch_size: int
    letterbox: float = 0.0
    """Height of the black bars above and below, as a part of the image's."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One sample, counted."""

    index: int
    reason: str | None
    counts: IntArray
    levels: IntArray | None
    counts_without_bars: IntArray | None


@dataclass(slots=True)
class SampledCounts:
    """Pixel counts of the accepted samples, and what became of the others."""

    drawn: int = 0
    indices: list[int] = field(default_factory=list)
    """Accepted samples."""
    counts: list[IntArray] = field(default_factory=list)
    """int64 ``[4]`` of each accepted sample."""
    levels: list[IntArray] = field(default_factory=list)
    """int64 ``[2, 256]`` of each, if asked for."""
    counts_without_bars: list[IntArray] = field(default_factory=list)
    """int64 ``[4]`` of each, if there are letterbox bars."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Number of rejected samples by reason."""

    def add(self, row: _Row) -> None:
        """Take in the next sample."""
        self.drawn += 1
        if row.reason is not None:
            self.rejected[row.reason] += 1
            return
        self.indices.append(row.index)
        self.counts.append(row.counts)
        if row.levels is not None:
            self.levels.append(row.levels)
        if row.counts_without_bars is not None:
            self.counts_without_bars.append(row.counts_without_bars)


def count_samples(
    method: GenerativeMethod,
    annotator: Annotator,
    drawing: Drawing,
    *,
    num_accepted: int,
    max_drawn: int,
    with_levels: bool,
    advance: Advance,
) -> SampledCounts:
    """Draw samples until enough are accepted, and count their pixels.

    Samples are taken in the order of their index, so the result does not depend on the batch
    size or the number of processes, and a longer evaluation begins with the shorter one.

    Args:
        method: Makes images with alpha.
        annotator: Gives the pseudo ground truth, or a reason to reject a sample.
        drawing: Which samples.
        num_accepted: How many accepted samples to count.
        max_drawn: How many samples to draw at the most.
        with_levels: Also count every threshold, for F-measures.
        advance: Called with the number of samples newly accepted.
    """
    result = SampledCounts()
    with closing(_drawn_ahead(method, drawing, max_drawn)) as rounds:
        for samples in rounds:
            own = _count_batch(annotator, drawing, samples, with_levels)
            before = len(result.indices)
            for row in sorted(chain(*gathered(own)), key=lambda row: row.index):
                if len(result.indices) == num_accepted:
                    break
                result.add(row)
            advance(len(result.indices) - before)
            if len(result.indices) == num_accepted:
                break
    return result


def _drawn_ahead(
    method: GenerativeMethod, drawing: Drawing, max_drawn: int
) -> Generator[Samples | None]:
    """This process's samples of every round; the next are made while these are looked at."""

    def draw(start: int) -> Samples | None:
        indices = shard(range(start, min(start + step, max_drawn)))
        if not indices:  # of the last round, some processes get nothing
            return None
        return method.sample(indices, truncation=drawing.truncation, seed=drawing.seed)

    step = drawing.batch_size * num_processes()
    with ThreadPoolExecutor(1) as painter:
        coming = painter.submit(draw, 0)
        for start in range(step, max_drawn + step, step):
            samples = coming.result()
            if start < max_drawn:
                coming = painter.submit(draw, start)
            yield samples


def _count_batch(
    annotator: Annotator, drawing: Drawing, samples: Samples | None, with_levels: bool
) -> list[_Row]:
    """Annotate and count samples."""
    if samples is None:
        return []
    annotation = annotator.annotate(samples.image)
    return [
        _row(drawing, index, alpha, truth.cpu().numpy(), reason, with_levels)
        for index, alpha, truth, reason in zip(
            samples.indices, samples.alpha[:, 0], annotation.mask, annotation.reason, strict=True
        )
    ]


def _row(
    drawing: Drawing,
    index: int,
    alpha: Tensor,
    target: npt.NDArray[np.bool_],
    reason: str | None,
    with_levels: bool,
) -> _Row:
    preds = (alpha > drawing.threshold).numpy()
    levels = without_bars = None
    if with_levels:
        levels = count_levels(threshold_steps(alpha).to(torch.uint8).numpy(), target)
    bar = round(drawing.letterbox * len(target))
    if bar:
        without_bars = count_pixels(preds[bar:-bar], target[bar:-bar])
    return _Row(index, reason, count_pixels(preds, target), levels, without_bars)


def pick_examples(
    method: GenerativeMethod,
    annotator: Annotator,
    drawing: Drawing,
    counts: SampledCounts,
    per_group: int = 3,
) -> list[Example]:
    """The worst, median and best accepted samples by foreground IoU, made once more.

    Returns:
        Up to ``3 * per_group`` examples, worst first.
    """
    tp, fp, fn, _ = np.array(counts.counts).T.astype(float)
    iou = np.divide(tp, tp + fp + fn, out=np.zeros_like(tp), where=tp + fp + fn > 0)
    order = np.argsort(iou, kind="stable")
    middle = max(len(order) // 2 - per_group // 2, 0)
    groups = {
        "worst": order[:per_group],
        "median": order[middle : middle + per_group],
        "best": order[-per_group:],
    }
    examples = []
    for name, positions in groups.items():
        for position in positions:
            index = counts.indices[position]
            samples = method.sample([index], truncation=drawing.truncation, seed=drawing.seed)
            truth = annotator.annotate(samples.image).mask[0].cpu().numpy()
            preds = (samples.alpha[0, 0] > drawing.threshold).numpy()
            title = f"{name}: sample {index}, seed {drawing.seed}, IoU {iou[position]:.3f}"
            examples.append(Example(title, _pixels(samples.image[0]), truth, preds))
    return examples


def evaluate_sampled(config: EvalConfig, progress: Progress) -> tuple[Record, list[Example]]:
    """Score a method's samples against its data set's annotator: the paper's Tables 1 and 2.

    Samples that the annotator rejects are left out and counted. If it rejects all, the record
    has no scores.

    Raises:
        InputError: A file cannot be used, or the method or data set cannot be sampled.
        MissingAssetError: Weights are missing; the message says how to get them.
    """
    started = time.perf_counter()
    sampled, protocol = config.sampled or SampledConfig(), PROTOCOLS.get(config.protocol)
    source = sampled.annotator or usual_annotator(config.dataset, config.method)
    method, annotator, digests = _load(config, sampled, source)
    drawing = Drawing(
        truncation=sampled.truncation,
        seed=config.seed,
        threshold=sampled.threshold,
        batch_size=samples_per_batch(method, sampled.batch_size),
        letterbox=DATASETS.get(config.dataset).letterbox,
    )
    counts = count_samples(
        method,
        annotator,
        drawing,
        num_accepted=sampled.num_images,
        max_drawn=sampled.max_drawn,
        with_levels=protocol.f_measure is not None,
        advance=progress(sampled.num_images),
    )
    levels = np.stack(counts.levels) if counts.levels else None
    table = np.array(counts.counts, dtype=np.int64).reshape(-1, len(COUNT_NAMES))
    record = Record(
        method=config.method,
        label=_label(config, sampled, source),
        dataset=config.dataset,
        setting=config.setting,
        truth=source.name,
        annotation=described(source, annotator),
        truncation=sampled.truncation,
        protocol=protocol.name,
        n=len(counts.indices),
        scores=estimate(protocol, table, levels, seed=config.seed),
        scores_without_bars=_without_bars(protocol, counts, config.seed),
        images=[
            {"index": index, **image_entry(row)}
            for index, row in zip(counts.indices, table, strict=True)
        ],
        config=to_json(config),
        provenance=provenance(),
        digests=digests,
        drawn=counts.drawn,
        rejected=dict(counts.rejected),
        warnings=_warnings(counts, sampled),
        seconds=round(time.perf_counter() - started, 3),
    )
    if not (counts.indices and is_first()):
        return record, []
    return record, pick_examples(method, annotator, drawing, counts)


def _label(config: EvalConfig, sampled: SampledConfig, source: AnnotatorConfig) -> str:
    """The method, and everything that is not as usual with it and the data set."""
    spec = DATASETS.get(config.dataset)
    usual = usual_annotator(config.dataset, config.method) if spec.annotator else source
    parts = [METHODS.get(config.method).title.lower()]
    if sampled.threshold != spec.threshold:
        parts.append(f"threshold {sampled.threshold:g}")
    if source.name != usual.name:
        parts.append(f"against {source.name}")
    if source.foreground:
        parts.append(f"foreground {' '.join(source.foreground)}")
    if usual.screen and not source.screen:
        parts.append("not screened")
    if source.min_area != usual.min_area:
        parts.append(f"area from {source.min_area:g}")
    for found, expected in ((source, usual), (source.screen, usual.screen)):
        if found and expected and found.min_score != expected.min_score:
            parts.append(f"score from {found.min_score:g}")
    return ", ".join(parts)


def _load(
    config: EvalConfig, sampled: SampledConfig, source: AnnotatorConfig
) -> tuple[GenerativeMethod, Annotator, dict[str, str]]:
    """The method and the annotator, and the digests of the files they come from."""
    device = choose_device(sampled.device)
    method, digests = load_generative(
        config.method,
        config.dataset,
        generator=sampled.generator,
        alpha=sampled.alpha,
        device=sampled.device,
    )
    annotator, judges = open_annotator(source, device, dataset=config.dataset)
    return method, annotator, digests | judges


def _without_bars(protocol: Protocol, counts: SampledCounts, seed: int) -> dict[str, Estimate]:
    """Scores within the picture; those that need every threshold are left out."""
    if not counts.counts_without_bars:
        return {}
    return estimate(
        replace(protocol, f_measure=None), np.stack(counts.counts_without_bars), None, seed=seed
    )


def _warnings(counts: SampledCounts, config: SampledConfig) -> list[str]:
    if len(counts.indices) == config.num_images:
        return []
    reasons = ", ".join(f"{reason} {number}" for reason, number in counts.rejected.most_common())
    return [
        f"Of {counts.drawn} samples drawn, {len(counts.indices)} were accepted where "
        f"{config.num_images} were wanted (rejected: {reasons})."
    ]


def _pixels(image: Tensor) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(image.permute(1, 2, 0).numpy())
