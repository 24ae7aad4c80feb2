"""How far pseudo ground truth can be trusted: the same images against it and against exact masks.

The annotator and a student are scored on the images that the annotator accepts, and on those that
it rejects.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from l4f_bench.annotators.choice import AnnotatorConfig
from l4f_bench.cores import Cores
from l4f_bench.datasets.image_set import ImageRequest, ImageSet, open_images
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import is_first
from l4f_bench.errors import InputError
from l4f_bench.evaluation.counting import count_images
from l4f_bench.evaluation.examples import pick_examples
from l4f_bench.evaluation.image_scene import (
    ImageScene,
    accepted_by,
    annotated,
    own_masks,
    segmented,
)
from l4f_bench.evaluation.mask_notes import few_images_warning
from l4f_bench.evaluation.options import option
from l4f_bench.evaluation.ranges import check_count, check_sampling
from l4f_bench.evaluation.records import Facts, Subset, build_record
from l4f_bench.evaluation.setting import Outcome, Setting
from l4f_bench.evaluation.truth import AnnotatorOptions, annotator_facts
from l4f_bench.methods.specs import method_named
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.precision import FLOAT32, HELP, check_precision, notes, suffix
from l4f_bench.progress import Progress
from l4f_bench.registry import unknown_name

if TYPE_CHECKING:
    from l4f_bench.annotators.contracts import Annotator
    from l4f_bench.methods.contracts import ImageMethod

STUDENT = "ours-bisenet"
THRESHOLD = 0.5
_BATCH = 32  # whole blocks of the annotator's
_TRUTHS, _SUBSETS = ("exact", "annotator"), ("accepted", "rejected")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust(AnnotatorOptions):
    """Score the same images against an annotator and against exact masks.

    Without --method, --truth and --subset: the annotator and a student, on the images that the
    annotator accepts and on those that it rejects.
    """

    key: ClassVar[str] = "trust"

    dataset: str = option("Data set whose images have masks", "shapes")
    data: Path | None = option("Folder of the images", usual="drawn for shapes")
    method: str | None = option("Only this method", usual="annotator and student")
    weights: Path | None = option(
        "Checkpoint of the method", usual="embedded", names=("--weights", "--student")
    )
    truth: str | None = option("Only against exact or annotator", usual="both")
    subset: str | None = option("Only the accepted or rejected", usual="both")
    limit: int | None = option(
        "Only the first N images",
        usual="all, of drawn ones 1000",
        names=("--limit", "--samples"),
    )
    device: str | None = option("cpu, cuda, …", usual="a GPU if there is one")
    precision: str = option(HELP, FLOAT32)
    protocol: str = option("l4f, voynov, selfmask or drc", "l4f")
    seed: int = option("Seed of drawn images and intervals", 0)

    def __post_init__(self) -> None:
        check_sampling((), self.seed)
        check_precision(self.precision)
        check_count("--limit", self.limit, 1)
        for name, value, known in (
            ("truth", self.truth, _TRUTHS),
            ("subset", self.subset, _SUBSETS),
        ):
            if value is not None and value not in known:
                raise InputError(unknown_name(name, value, list(known)))

    def parts(self) -> Sequence[Setting]:
        """Each method against each truth on each part of the images."""
        PROTOCOLS.get(self.protocol)
        source = self.source()
        methods = [source.name, STUDENT] if self.method is None else [self.method]
        for method in methods:
            method_named(method)
        return [
            replace(self, method=method, truth=truth, subset=subset)
            for subset in ([self.subset] if self.subset else _SUBSETS)
            for method in methods
            for truth in ([self.truth] if self.truth else _TRUTHS)
            if (method, truth) != (source.name, "annotator")  # which would say nothing
        ]

    def folder(self) -> str:
        """Name of this part's folder."""
        return f"{method_named(str(self.method)).name}-{self.truth}-{self.subset}"

    def source(self) -> AnnotatorConfig:
        """The annotator that is asked for.

        Raises:
            InputError: A name is unknown, or an option does not apply to the annotator.
        """
        return self.chosen_annotator(self.dataset)

    def run(self, progress: Progress) -> Outcome:
        """Score one method against one truth on one part of the images.

        Raises:
            InputError: A file or folder cannot be used, or the images have no masks.
            MissingAssetError: Data or weights are missing; the message says how to get them.
        """
        from l4f_bench.annotators.loading import open_annotator
        from l4f_bench.devices import choose_device
        from l4f_bench.methods.loading import load_image_method

        started, source, images = time.perf_counter(), self.source(), self._open()
        most = len(images) if self.limit is None else min(self.limit, len(images))
        annotator, digests = open_annotator(
            source, choose_device(self.device), dataset=self.dataset
        )
        method, of_method = load_image_method(
            str(self.method),
            self.dataset,
            weights=self._weights(source),
            device=self.device,
            precision=self.precision,
        )
        scene = self._scene(images, method, annotator)
        counts = count_images(scene, most=most, batch_size=_BATCH, advance=progress(most))
        spec = method_named(str(self.method))
        how = suffix(self.precision)
        against = f"{images.truth} masks" if self.truth == "exact" else source.name
        facts = Facts(
            method=spec.name,
            method_title=spec.title,
            dataset_title=images.spec.title,
            label=f"{spec.title.lower()} against {against}, {self.subset}{how}",
            truth=str(images.truth) if self.truth == "exact" else source.name,
            annotator=annotator_facts(source, annotator),
            subset=self._subset,
            threshold=THRESHOLD,
            images_digest=images.digest,
            digests=digests | of_method,
            warnings=notes(self.precision) + few_images_warning(len(counts.rows)),
        )
        record = build_record(self, facts, counts, started=started)
        return Outcome(record, pick_examples(scene, counts, scene.name) if is_first() else [])

    def _scene(self, images: ImageSet, method: ImageMethod, annotator: Annotator) -> ImageScene:
        """The method's masks beside the truth, on the images of the part."""
        cores = Cores.for_networks(method, annotator)
        truth_of = annotated(annotator, cores)
        if self.truth == "exact":
            truth_of = accepted_by(annotator, cores, own_masks(images, cores))
        with_levels = PROTOCOLS.get(self.protocol).f_measure is not None
        return ImageScene(
            images=images,
            predictor=segmented(method, cores, threshold=THRESHOLD, with_levels=with_levels),
            truth_of=truth_of,
            needs_pixels=True,
            subset=self._subset,
            cores=cores,
        )

    @property
    def _subset(self) -> Subset:
        return "accepted" if self.subset == "accepted" else "rejected"

    def _weights(self, source: AnnotatorConfig) -> Path | None:
        """The file of the method; that of the annotator where the annotator is scored."""
        return source.weights if self.method == source.name else self.weights

    def _open(self) -> ImageSet:
        spec = DATASETS.get(self.dataset)
        images = open_images(
            ImageRequest(spec=spec, data=self.data, num_images=self.limit, seed=self.seed)
        )
        if images.truth is None:
            raise InputError(
                f"{spec.title} has no masks of its own to compare the annotator's with. Choose "
                "another data set."
            )
        return images
