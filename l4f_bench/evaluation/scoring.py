"""Two folders of masks to scores with confidence intervals: the ``score`` job."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from l4f_bench.cores import Cores
from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.specs import spec_of
from l4f_bench.errors import InputError
from l4f_bench.escapes import csv_value
from l4f_bench.evaluation.counting import Counts, count_images
from l4f_bench.evaluation.image_scene import ImageScene, MaskFiles, own_masks
from l4f_bench.evaluation.mask_notes import Reading, pair_warnings
from l4f_bench.evaluation.pieces import Piece
from l4f_bench.evaluation.ranges import check_count, check_level
from l4f_bench.evaluation.records import Facts, build_record
from l4f_bench.evaluation.setting import Outcome, Setting
from l4f_bench.evaluation.shards import Shard
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.protocols import PROTOCOLS, Protocol, table_scores
from l4f_bench.progress import Progress, silent
from l4f_bench.provenance import sha256_of_files
from l4f_bench.seeds import check_seed

_BATCH = 8  # pairs at a time: large enough for the threads, small enough for huge masks


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskFolders:
    """Predicted masks of one folder against true masks of another."""

    key: ClassVar[str] = "images"

    preds: Path
    """Folder of predicted masks."""
    target: Path
    """Folder of true masks."""
    method: str = "masks"
    """What made the predictions, as tables name it."""
    dataset: str = "masks"
    """Key of the data set, or a name for it."""
    protocol: str = "l4f"
    """Key of how counts become scores."""
    level: int = 128
    """Grey level (8-bit scale) from which a pixel is foreground, 1 to 255."""
    invert: bool = False
    """Predictions are black on the object: turn them round before anything else."""
    ignore_level: int | None = None
    """Level of the true masks, 0 to 255, whose pixels are left out (rims, voids)."""
    ignore_bars: bool = False
    """Leave out rows that are black in the image (letterbox bars)."""
    images: Path | None = None
    """Folder of the images, needed to find the bars."""
    workers: int | None = None
    """Threads that decode; None takes one per CPU core."""
    limit: int | None = None
    """Use only the first N pairs, in natural order."""
    shard: Shard | None = None
    """Score only a part of them, to be merged; None for all."""
    seed: int = 0
    """Seed of the bootstrap."""
    strict: bool = False
    """Score nothing if there is anything to say of the folders, such as files passed over."""

    def __post_init__(self) -> None:
        PROTOCOLS.get(self.protocol)
        check_level("--level", self.level, 1)
        check_level("--ignore-level", self.ignore_level, 0)
        check_count("--workers", self.workers, 1)
        check_count("--limit", self.limit, 1)
        check_seed(self.seed)
        if self.ignore_bars and self.images is None:
            raise InputError(
                "--ignore-bars needs the images to find the bars in. Add --images DIR."
            )

    def _refuse(self, said: list[str]) -> None:
        if self.strict and said:
            raise InputError(f"{' '.join(said)} Mend that, or leave out --strict.")

    def parts(self) -> Sequence[Setting]:
        """One evaluation."""
        return [self]

    def folder(self) -> str:
        """Name of its folder."""
        return self.method

    def run(self, progress: Progress = silent) -> Outcome:
        """Score the masks.

        Raises:
            InputError: A folder or file cannot be used, files are left unpaired, or the sizes of a
                pair differ.
        """
        started = time.perf_counter()
        truth, files = self._open()
        total = len(truth) if self.limit is None else min(self.limit, len(truth))
        early = [*files.warnings(), *truth.warnings()]
        self._refuse(early)
        counts = self._count(truth, files, progress)
        said = list(dict.fromkeys([*early, *files.warnings(), *truth.warnings()]))
        self._refuse(said)
        facts = Facts(
            method=self.method,
            method_title=self.method,
            dataset_title=truth.spec.title,
            label=self.method,
            truth="human",
            level=self.level,
            piece=None if self.shard is None else str(self.shard),
            images_digest=truth.digest,
            digests={
                "preds": sha256_of_files(files.paths[:total]),
                "target": truth.digest,
            },
            warnings=[
                *said,
                *pair_warnings(counts.notes, PROTOCOLS.get(self.protocol), self._reading),
            ],
        )
        piece = None
        if self.shard is not None:
            piece = Piece(
                span=self.shard.span(total),
                total=total,
                counts=counts,
                said=said,
                reading=self._reading,
            )
        record = build_record(self, facts, counts, started=started)
        return Outcome(record, counts=counts, piece=piece)

    def count(self) -> Counts:
        """Count the pixels of all pairs.

        Raises:
            InputError: As for :meth:`run`.
        """
        return self._count(*self._open(), silent)

    @property
    def _reading(self) -> Reading:
        return Reading(level=self.level, invert=self.invert, ignore_level=self.ignore_level)

    def _open(self) -> tuple[FolderImages, MaskFiles]:
        truth = FolderImages(
            spec_of(self.dataset),
            self.target,
            self.images if self.ignore_bars else None,
            level=self.level,
            ignore_level=self.ignore_level,
        )
        return truth, MaskFiles(self.preds, truth)

    def _count(self, truth: FolderImages, files: MaskFiles, progress: Progress) -> Counts:
        with_levels = PROTOCOLS.get(self.protocol).f_measure is not None
        cores = Cores.for_networks(readers=self.workers)
        scene = ImageScene(
            images=truth,
            predictor=files.predictor(self._reading, cores, with_levels=with_levels),
            truth_of=own_masks(truth, cores),
            needs_pixels=False,
            cores=cores,
            bars=truth.bars if self.ignore_bars else None,
        )
        most = len(truth) if self.limit is None else min(self.limit, len(truth))
        span = range(most) if self.shard is None else self.shard.span(most)
        return count_images(
            scene,
            first=span.start,
            most=span.stop,
            batch_size=_BATCH,
            advance=progress(len(span)),
        )


def per_image_csv(counts: Counts, protocol: Protocol) -> str:
    """Counts and scores of each image; undefined scores are left empty.

    They are without letterbox bars, where these are left out.
    """
    import pandas as pd

    without_bars = counts.table_without_bars
    table = counts.table if without_bars is None else without_bars
    frame = pd.DataFrame(
        {"preds": row.preds_name, "target": row.key, **dict(zip(COUNT_NAMES, one, strict=True))}
        for row, one in zip(counts.rows, table, strict=True)
    )
    for key, values in table_scores(table, protocol).items():
        frame[key] = values
    return str(frame.map(csv_value).to_csv(index=False))
