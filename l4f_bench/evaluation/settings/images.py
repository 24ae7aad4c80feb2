"""An image method, or masks on disk, on a set of images: the paper's Tables 3 and 4."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from l4f_bench.annotators.choice import GIVEN, AnnotatorConfig
from l4f_bench.cores import Cores
from l4f_bench.datasets.image_set import ImageRequest, ImageSet, WithPublishedMasks, open_images
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.distributed import is_first
from l4f_bench.errors import InputError
from l4f_bench.evaluation.choice import Choice, check_any_left, warnings_of
from l4f_bench.evaluation.counting import count_images
from l4f_bench.evaluation.examples import pick_examples
from l4f_bench.evaluation.image_scene import (
    ImageScene,
    MaskFiles,
    Predictor,
    annotated,
    own_masks,
    segmented,
)
from l4f_bench.evaluation.mask_notes import Reading, pair_warnings
from l4f_bench.evaluation.mask_writing import kept
from l4f_bench.evaluation.options import option
from l4f_bench.evaluation.own_folders import OwnFolders
from l4f_bench.evaluation.pieces import Piece
from l4f_bench.evaluation.ranges import check_count, check_fraction, check_level, check_sampling
from l4f_bench.evaluation.records import AnnotatorFacts, Facts, build_record
from l4f_bench.evaluation.setting import Outcome, Setting
from l4f_bench.evaluation.shards import Shard, parse_shard
from l4f_bench.evaluation.truth import AnnotatorOptions, annotator_facts
from l4f_bench.methods.specs import method_named
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.precision import FLOAT32, HELP, check_precision, notes, suffix
from l4f_bench.progress import Progress

if TYPE_CHECKING:
    from l4f_bench.annotators.contracts import Annotator
    from l4f_bench.methods.contracts import ImageMethod

_BATCH, _BATCH_DRAWN = 8, 32  # of a worker at a time; photographs may be huge
THRESHOLD = 0.5
"""Alpha above which a pixel is foreground, by default."""
LEVEL = 128
"""Grey level from which a pixel of a mask file is foreground, by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Images(AnnotatorOptions):
    """Score an image method, or masks on disk, on images (Tables 3 and 4).

    Truth are the masks that the images come with, or an annotator's.
    """

    key: ClassVar[str] = "images"

    method: str = option("Method", "ours", usual="ours: published masks")
    dataset: str = option("Data set of the images", "", usual="shapes")
    data: Path | None = option("Data set's folder", usual="shapes: drawn")
    images: Path | None = option("Folder of your own images", usual="none")
    truth: Path | None = option("Folder of your true masks", usual="none")
    name: str | None = option("Name of your own folders", usual="none")
    split: str | None = option(
        "train, val, test or all, where there are splits", usual="first 1000 of test"
    )
    mask_parts: tuple[str, ...] = option(
        "Part that is foreground in true masks; repeatable", (), usual="all", names=("--parts",)
    )
    masks: Path | None = option("Predicted masks", usual="made by method")
    weights: Path | None = option(
        "Checkpoint of the method",
        usual="embedded or cached",
        names=("--weights", "--student"),
    )
    generator: Path | None = option("ours-psp: generator", usual="usual for images")
    alpha: Path | None = option("ours-psp: alpha network", usual="embedded for shapes")
    write_masks: Path | None = option("Folder for its masks", usual="none")
    threshold: float | None = option("Alpha above which is foreground", usual=f"{THRESHOLD:g}")
    level: int | None = option("Least grey level of objects", usual=f"{LEVEL}")
    limit: int | None = option(
        "Only the first N images",
        usual="all, of drawn ones 1000",
        names=("--limit", "--samples"),
    )
    shard: Shard | None = option("Part of them, as 3/16, to merge", usual="all", parse=parse_shard)
    strict: bool = option("Score nothing if there are warnings of the images", False)
    workers: int | None = option("Threads that decode", usual="CPU cores")
    device: str | None = option("cpu, cuda, …", usual="a GPU if there is one")
    precision: str = option(HELP, FLOAT32)
    protocol: str = option("l4f, voynov, selfmask or drc", "l4f")
    seed: int = option("Seed of images and intervals", 0)

    def __post_init__(self) -> None:
        check_sampling((), self.seed)
        check_precision(self.precision)
        check_fraction("--threshold", self.threshold, below=1)
        check_level("--level", self.level, 1)
        check_count("--limit", self.limit, 1)
        check_count("--workers", self.workers, 1)

    def parts(self) -> Sequence[Setting]:
        """One evaluation."""
        own = self._own_folders()
        if own is not None:
            own.check(masks=self.masks, by_annotator=self.annotator not in (None, *GIVEN))
        part = replace(self, dataset=self.name or self.dataset or "shapes")
        part._check()
        return [part]

    def _check(self) -> None:
        """Refuse what cannot be meant."""
        spec, method, source = self._spec, method_named(self.method), self.source()
        PROTOCOLS.get(self.protocol)
        if source is not None and self.masks is None and source.name == self.method:
            raise InputError(
                f"{method.title} against its own masks says nothing. Leave out --annotator, or "
                "score another method."
            )
        if source is None:
            self.refuse_annotator_options()
        grey = not spec.drawn and spec.mask_background is None
        if self.level is not None and self.masks is None and not grey:
            raise InputError(
                f"--level applies to grey mask files; {spec.title} has none. Leave it out."
            )

    def _own_folders(self) -> OwnFolders | None:
        """Folders of one's own; None for a data set.

        Raises:
            InputError: They have no name, or something is given that does not go with them.
        """
        if self.name is None:
            for flag, folder in (("images", self.images), ("truth", self.truth)):
                if folder is not None:
                    raise InputError(f"--{flag} is a folder of your own: name it with --name NAME.")
            return None
        if self.dataset not in ("", self.name) or self.data is not None:
            raise InputError(
                "--name is for folders of your own, given with --images and --truth. Leave out "
                "--name, or --dataset and --data."
            )
        return OwnFolders(self.name, self.images, self.truth)

    def folder(self) -> str:
        """Name of this part's folder."""
        return f"{method_named(self.method).name}-{self.annotator or 'images'}"

    def source(self) -> AnnotatorConfig | None:
        """The annotator that is asked for; None for the masks that the images come with.

        Raises:
            InputError: A name is unknown, or an option does not apply to the annotator.
        """
        return None if self.annotator in (None, *GIVEN) else self.chosen_annotator(self.dataset)

    def label(self, truth: str) -> str:
        """The method, and what it is scored against."""
        title = method_named(self.method).title
        if self.masks is not None:
            return title.lower() if self.method == "ours" else title
        if method_named(self.method).kind == "generative":
            return f"{title.lower()} (published masks)"
        how = suffix(self.precision)
        return f"{title.lower()} against {truth}{' masks' if truth in GIVEN else ''}{how}"

    def run(self, progress: Progress) -> Outcome:
        """Score the method's masks, or those on disk.

        Raises:
            InputError: A file or folder cannot be used, the images have no masks, or the method
                segments no images.
            MissingAssetError: Data or weights are missing; the message says how to get them.
        """
        started = time.perf_counter()
        images = self._open()
        most = len(images) if self.limit is None else min(self.limit, len(images))
        files = self._files(images)
        method = None
        if files is None:
            method, of_preds = self._load_method()
            origin: MaskFiles | ImageMethod = method
        else:
            origin, of_preds = files, files.digests(most)
        source, of_truth = self._load_annotator(images)
        cores = Cores.for_networks(method, source, readers=self.workers)
        scene = ImageScene(
            images=images,
            predictor=self._predictor(images, origin, cores, most),
            truth_of=own_masks(images, cores) if source is None else annotated(source, cores),
            needs_pixels=files is None or source is not None,
            cores=cores,
        )
        annotator = self._facts_of(source)
        size = _BATCH_DRAWN if images.spec.drawn else _BATCH
        span = self._span(most)
        counts = count_images(
            scene, first=span.start, most=span.stop, batch_size=size, advance=progress(len(span))
        )
        said = notes(self.precision) if files is None else files.warnings()
        said += warnings_of(images, strict=self.strict)
        if annotator is None and self.shard is None:
            check_any_left(counts, said)
        reading = Reading(level=self._level)
        truth = str(images.truth) if annotator is None else annotator.name
        grey = images.truth == "human" and images.spec.mask_background is None
        reads_files = files is not None or (annotator is None and grey)
        chosen = Choice.of(images)
        facts = Facts(
            method=method_named(self.method).name,
            method_title=method_named(self.method).title,
            dataset_title=images.spec.title,
            label=", ".join([self.label(truth), *chosen.named()]),
            truth=truth,
            split=chosen.split,
            parts=chosen.parts,
            annotator=annotator,
            threshold=self._threshold if files is None else None,
            level=self._level if reads_files else None,
            piece=None if self.shard is None else str(self.shard),
            images_digest=images.digest,
            digests=of_preds | of_truth,
            warnings=said + pair_warnings(counts.notes, PROTOCOLS.get(self.protocol), reading),
        )
        record = build_record(self, facts, counts, started=started)
        examples = pick_examples(scene, counts, scene.name) if is_first() else []
        piece = None
        if self.shard is not None:
            piece = Piece(span=span, total=most, counts=counts, said=said, reading=reading)
        return Outcome(record, examples, piece=piece)

    @property
    def _threshold(self) -> float:
        return THRESHOLD if self.threshold is None else self.threshold

    @property
    def _level(self) -> int:
        return LEVEL if self.level is None else self.level

    @property
    def _with_levels(self) -> bool:
        return PROTOCOLS.get(self.protocol).f_measure is not None

    @property
    def _spec(self) -> DatasetSpec:
        own = self._own_folders()
        return DATASETS.get(self.dataset) if own is None else own.spec

    def _open(self) -> ImageSet:
        spec, images = self._spec, self._open_any()
        if self.annotator in GIVEN and self.annotator != images.truth:
            raise InputError(
                f"{spec.title} has {images.truth or 'no'} masks, not {self.annotator} ones. Leave "
                "out --annotator."
            )
        if self.annotator is None and images.truth is None:
            raise InputError(
                f"{spec.title} has no masks of its own. Name whose masks are true with --annotator."
            )
        warnings_of(images, strict=self.strict)
        return images

    def _open_any(self) -> ImageSet:
        """The images of a data set, or those of one's own."""
        own = self._own_folders()
        request = ImageRequest(
            spec=self._spec,
            data=self.data,
            level=self._level,
            num_images=self.limit,
            seed=self.seed,
            split=self.split,
            parts=self.mask_parts,
        )
        return open_images(request) if own is None else own.open(self._level)

    def _span(self, most: int) -> range:
        """Which of the images are looked at."""
        return range(most) if self.shard is None else self.shard.span(most)

    def _files(self, images: ImageSet) -> MaskFiles | None:
        """The masks on disk that are scored; None where a method makes them."""
        spec, folder = method_named(self.method), self.masks
        runs = spec.kind in ("image", None)
        if folder is None and not runs and isinstance(images, WithPublishedMasks):
            if self.method != "ours":
                raise InputError(
                    f"The custom set holds no masks of {spec.title}. Give a folder of them with "
                    "--masks DIR."
                )
            folder = images.published
        if folder is None:
            return None
        for name in ("weights", "generator", "alpha", "threshold", "write_masks"):
            if getattr(self, name) is not None:
                raise InputError(
                    f"--{name.replace('_', '-')} applies to methods that run, not to masks in "
                    "files. Leave it out."
                )
        if self.precision != FLOAT32:
            raise InputError("--precision applies to methods that run. Leave it out.")
        return MaskFiles(folder, images)

    def _load_method(self) -> tuple[ImageMethod, dict[str, str]]:
        from l4f_bench.methods.loading import load_image_method

        return load_image_method(
            self.method,
            self.dataset,
            weights=self.weights,
            device=self.device,
            precision=self.precision,
            generator=self.generator,
            alpha=self.alpha,
        )

    def _predictor(
        self, images: ImageSet, origin: MaskFiles | ImageMethod, cores: Cores, most: int
    ) -> Predictor:
        """Predictions from files, or a method's, which are kept if that is asked for."""
        if isinstance(origin, MaskFiles):
            reading = Reading(level=self._level)
            return origin.predictor(reading, cores, with_levels=self._with_levels)
        how = segmented(origin, cores, threshold=self._threshold, with_levels=self._with_levels)
        if self.write_masks is None:
            return how
        return kept(how, images, self.write_masks, self._span(most))

    def _load_annotator(self, images: ImageSet) -> tuple[Annotator | None, dict[str, str]]:
        """The annotator whose masks are true, None for the images' own, and digests."""
        source = self.source()
        if source is None:
            return None, {} if images.spec.drawn else {"target": images.digest}
        from l4f_bench.annotators.loading import open_annotator
        from l4f_bench.devices import choose_device

        return open_annotator(source, choose_device(self.device), dataset=self.dataset)

    def _facts_of(self, annotator: Annotator | None) -> AnnotatorFacts | None:
        source = self.source()
        return None if source is None else annotator_facts(source, annotator)
