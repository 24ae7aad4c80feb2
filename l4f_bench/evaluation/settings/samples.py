"""A generative method's samples against pseudo ground truth: the paper's Tables 1 and 2.

The masks are the method's own, or those that an image method makes of the same samples.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from l4f_bench.annotators.choice import AnnotatorConfig, usual_annotator
from l4f_bench.cores import Cores
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import is_first
from l4f_bench.errors import InputError
from l4f_bench.evaluation.counting import Counts, Pair, count_images
from l4f_bench.evaluation.examples import pick_examples
from l4f_bench.evaluation.mask_notes import few_images_warning
from l4f_bench.evaluation.options import option, whole_or_auto
from l4f_bench.evaluation.ranges import check_count, check_fraction, check_sampling
from l4f_bench.evaluation.records import Facts, build_record
from l4f_bench.evaluation.setting import Outcome, Setting
from l4f_bench.evaluation.settings.images import THRESHOLD as IMAGE_THRESHOLD
from l4f_bench.evaluation.settings.images import Images
from l4f_bench.evaluation.truth import AnnotatorOptions, annotator_facts
from l4f_bench.methods.specs import MethodSpec, method_named
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.precision import FLOAT32, HELP, check_precision, notes
from l4f_bench.progress import Progress

if TYPE_CHECKING:
    from l4f_bench.annotators.contracts import Annotator
    from l4f_bench.methods.contracts import GenerativeMethod, ImageMethod
    from l4f_bench.methods.contracts import Samples as Drawn


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples(AnnotatorOptions):
    """Score a generative method's samples against an annotator (Tables 1 and 2)."""

    key: ClassVar[str] = "samples"

    method: str = option("Method that makes images and masks", "ours")
    dataset: str = option("Data set", "shapes")
    generator: Path | None = option("Method's generator", usual="embedded or cached")
    alpha: Path | None = option("Alpha network of ours", usual="embedded")
    segmenter: str | None = option(
        "Image method whose masks of the samples are scored", usual="the method's own masks"
    )
    segmenter_weights: Path | None = option("Its checkpoint", usual="embedded or cached")
    screen_weights: Path | None = option("Detector that PSeg's faces must pass", usual="cached")
    truncation: tuple[float, ...] = option(
        "Truncation psi; repeatable", (), usual="as in the paper"
    )
    threshold: float | None = option(
        "Alpha above which is foreground", usual="0.9, of a segmenter 0.5"
    )
    samples: int = option("Accepted samples to score", 1000)
    max_drawn: int = option("Most samples to draw", 10_000)
    batch_size: int | None = option("Images at a time", usual="auto", parse=whole_or_auto)
    device: str | None = option("cpu, cuda, …", usual="a GPU if there is one")
    precision: str = option(HELP, FLOAT32)
    protocol: str = option("l4f, voynov, selfmask or drc", "l4f")
    seed: int = option("Seed of samples and intervals", 0)

    def __post_init__(self) -> None:
        check_sampling(self.truncation, self.seed)
        check_precision(self.precision)
        check_fraction("--threshold", self.threshold, below=1)
        check_count("--samples", self.samples, 1)
        check_count("--max-drawn", self.max_drawn, 1)
        if self.samples > self.max_drawn:
            raise InputError(
                f"--samples {self.samples} of at most --max-drawn {self.max_drawn} cannot be: use "
                "a maximum that is not smaller."
            )

    def parts(self) -> Sequence[Setting]:
        """Every truncation, and the annotator itself where images with true masks are drawn."""
        self.scored()
        PROTOCOLS.get(self.protocol)
        spec, source = DATASETS.get(self.dataset), self.source()
        truncations = self.truncation or spec.truncations
        found: list[Setting] = [replace(self, truncation=(psi,)) for psi in truncations]
        if spec.drawn and self.segmenter is None:
            found.append(
                Images(
                    method=source.name,
                    dataset=self.dataset,
                    weights=source.weights,
                    limit=self.samples,
                    device=self.device,
                    protocol=self.protocol,
                    seed=self.seed,
                )
            )
        return found

    def folder(self) -> str:
        """Name of this part's folder."""
        return "-".join(f"psi-{psi:g}" for psi in self.truncation)

    def source(self) -> AnnotatorConfig:
        """The annotator that is asked for.

        Raises:
            InputError: A name is unknown, or an option does not apply to the annotator.
        """
        config = self.chosen_annotator(
            self.dataset, method_named(self.method).screens.get(self.dataset)
        )
        if config.screen is not None:
            return replace(config, screen=replace(config.screen, weights=self.screen_weights))
        if self.screen_weights is not None:
            raise InputError(
                "--screen-weights applies only to PSeg's samples of FFHQ and their usual "
                "annotator. Leave it out."
            )
        return config

    def label(self) -> str:
        """The method, and everything that is not as usual with it and the data set."""
        spec, source = DATASETS.get(self.dataset), self.source()
        screen = method_named(self.method).screens.get(self.dataset)
        usual = usual_annotator(self.dataset, screen) if spec.annotator else source
        parts = [self.scored().title.lower()]
        if self.segmenter is not None:
            parts[0] += f" on samples of {method_named(self.method).title.lower()}"
        if self.used_threshold != self._usual_threshold:
            parts.append(f"threshold {self.used_threshold:g}")
        if self.precision != FLOAT32:
            parts.append(self.precision)
        if source.name != usual.name:
            parts.append(f"against {source.name}")
        if source.foreground:
            parts.append(f"foreground {' '.join(source.foreground)}")
        if usual.screen and not source.screen:
            parts.append("not screened")
        if source.rule.min_area != usual.rule.min_area:
            parts.append(f"area from {source.rule.min_area:g}")
        for found, expected in ((source, usual), (source.screen, usual.screen)):
            if found and expected and found.rule.min_score != expected.rule.min_score:
                parts.append(f"score from {found.rule.min_score:g}")
        return ", ".join(parts)

    def run(self, progress: Progress) -> Outcome:
        """Score the samples of one truncation; those that the annotator rejects are counted.

        Raises:
            InputError: A file cannot be used, or the method or data set cannot be sampled.
            MissingAssetError: Weights are missing; the message says how to get them.
        """
        from l4f_bench.annotators.loading import open_annotator
        from l4f_bench.devices import choose_device
        from l4f_bench.methods.batching import samples_per_batch
        from l4f_bench.methods.loading import load_generative

        started, source = time.perf_counter(), self.source()
        method, digests = load_generative(
            self.method,
            self.dataset,
            weights=self.generator,
            device=self.device,
            precision=self.precision,
            alpha=self.alpha,
        )
        annotator, of_annotator = open_annotator(
            source, choose_device(self.device), dataset=self.dataset
        )
        segmenter, of_segmenter = self._load_segmenter()
        scene = SampleScene(method, annotator, self, segmenter)
        counts = count_images(
            scene,
            most=self.max_drawn,
            wanted=self.samples,
            batch_size=samples_per_batch(method, self.batch_size),
            advance=progress(self.samples),
        )
        facts = Facts(
            method=self.scored().name,
            method_title=self.scored().title,
            dataset_title=DATASETS.get(self.dataset).title,
            label=self.label(),
            truth=source.name,
            annotator=annotator_facts(source, annotator),
            truncation=self.truncation[0],
            threshold=self.used_threshold,
            images_digest=self._images_digest(digests),
            digests=digests | of_annotator | of_segmenter,
            warnings=notes(self.precision) + _warnings(counts, self.samples),
        )
        record = build_record(self, facts, counts, started=started)
        examples = pick_examples(scene, counts, scene.name) if is_first() else []
        return Outcome(record, examples, failure=None if counts.rows else _NOTHING)

    def scored(self) -> MethodSpec:
        """The method whose masks are scored.

        Raises:
            InputError: It is unknown, or weights are given of a segmenter that is not.
        """
        if self.segmenter is not None:
            return method_named(self.segmenter)
        if self.segmenter_weights is not None:
            raise InputError("--segmenter-weights applies only with --segmenter. Leave it out.")
        return method_named(self.method)

    @property
    def _usual_threshold(self) -> float:
        spec = DATASETS.get(self.dataset)
        return spec.threshold if self.segmenter is None else IMAGE_THRESHOLD

    @property
    def used_threshold(self) -> float:
        """Alpha above which a pixel is foreground."""
        return self._usual_threshold if self.threshold is None else self.threshold

    def _load_segmenter(self) -> tuple[ImageMethod | None, dict[str, str]]:
        """The image method that is asked for, and the SHA-256 of its files."""
        from l4f_bench.methods.loading import load_image_method

        if self.segmenter is None:
            return None, {}
        method, digests = load_image_method(
            self.segmenter,
            self.dataset,
            weights=self.segmenter_weights,
            device=self.device,
            precision=self.precision,
        )
        return method, {f"segmenter {name}": digest for name, digest in digests.items()}

    def _images_digest(self, digests: dict[str, str]) -> str | None:
        """What fixes the samples, whoever makes their masks; None where no file does."""
        if "generator" not in digests:
            return None
        psi = self.truncation[0]
        return f"samples of {digests['generator']}, psi {psi:g}, seed {self.seed}"


_NOTHING = "No sample was accepted, so there is nothing to score; see the record."


class SampleScene:
    """Samples beside the annotator's masks."""

    def __init__(
        self,
        method: GenerativeMethod,
        annotator: Annotator,
        setting: Samples,
        segmenter: ImageMethod | None = None,
    ) -> None:
        """Draw the samples of a part of ``setting``; masks by ``segmenter``, or their own."""
        spec = DATASETS.get(setting.dataset)
        self._method, self._annotator, self._segmenter = method, annotator, segmenter
        self._psi, self._seed = setting.truncation[0], setting.seed
        self._threshold = setting.used_threshold
        self._letterbox = spec.letterbox
        self._with_levels = PROTOCOLS.get(setting.protocol).f_measure is not None
        self.cores = Cores.for_networks(method, annotator, segmenter)

    def pairs(self, indices: Sequence[int]) -> list[Pair]:
        """The samples with the annotator's masks."""
        from l4f_bench.metrics.thresholds import threshold_steps

        with self.cores.turn():
            drawn = self._drawn(indices)
            annotation = self._annotator.annotate(drawn.image)
        alpha = drawn.alpha[:, 0]
        hard, truths = (alpha > self._threshold).numpy(), annotation.mask.cpu().numpy()
        levels = threshold_steps(alpha).numpy().astype(np.uint8) if self._with_levels else None
        return [
            Pair(
                index=index,
                key=index,
                preds=hard[row],
                target=truths[row],
                levels=None if levels is None else levels[row],
                bars=self._bars(len(truths[row])),
                reason=annotation.reason[row],
                image=drawn.image[row].numpy(),
            )
            for row, index in enumerate(indices)
        ]

    def _drawn(self, indices: Sequence[int]) -> Drawn:
        drawn = self._method.sample(indices, truncation=self._psi, seed=self._seed)
        if self._segmenter is None:
            return drawn
        return replace(drawn, alpha=self._segmenter.segment(drawn.image))

    def pixels(self, pair: Pair) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """The sample."""
        return pair.image

    def name(self, pair: Pair) -> str:
        """What a caption calls a sample."""
        return f"sample {pair.key}, seed {self._seed}"

    def _bars(self, height: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
        bar = round(self._letterbox * height)
        if not bar:
            return None
        rows = np.zeros(height, bool)
        rows[:bar] = rows[-bar:] = True
        return rows


def _warnings(counts: Counts, wanted: int) -> list[str]:
    few = few_images_warning(len(counts.rows))
    if len(counts.rows) == wanted:
        return few
    reasons = ", ".join(f"{reason} {number}" for reason, number in counts.rejected.most_common())
    return [
        f"Of {counts.drawn} samples drawn, {len(counts.rows)} were accepted where {wanted} were "
        f"wanted (rejected: {reasons}).",
        *few,
    ]
