"""The record of one evaluation: versioned JSON, from which every table is drawn.

Version 2 stands alone: it holds the titles of method and data set and the whole protocol, so that
its tables can be drawn where neither is known. ``scores`` maps a metric's key to ``{"value",
"low", "high"}`` in [0, 1], a distance's to 0 or more (null where undefined; low and high bound the
95% bootstrap interval over images). ``images`` holds one entry per image with its pixel counts, so
that every score can be recomputed. ``config`` and ``provenance`` say what ran; ``digests`` are
SHA-256 over the names and contents of the files. Files of version 1 are lifted when they are read.
"""

from __future__ import annotations

import json
import time
import typing
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from l4f_bench.errors import InputError
from l4f_bench.evaluation.counting import Counts
from l4f_bench.evaluation.difficulty import Difficulty
from l4f_bench.evaluation.distance.facts import DistanceFacts
from l4f_bench.files.documents import EXACT_FIELDS, document_of, write_document
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate, estimate, point_scores
from l4f_bench.metrics.protocols import PROTOCOLS, IntArray, Protocol
from l4f_bench.provenance import provenance

FORMAT = "l4f-bench record"
VERSION = 2
RECORD_FILE = "record.json"

Subset = Literal["all", "accepted", "rejected"]


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorFacts:
    """What made pseudo ground truth, and which images it accepted."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    name: str
    title: str
    foreground: tuple[str, ...] = ()
    """Classes of a parser that are foreground."""
    foreground_chosen: bool = False
    """Whether the user chose these classes."""
    target_class: str | None = None
    """COCO's class of the one object; None for a parser."""
    min_score: float
    """Score above which objects count."""
    min_area: float
    """Smallest fraction of the image that the foreground may cover."""
    one_piece: bool = False
    """Whether the foreground of a parser had to be one connected piece."""
    screen: AnnotatorFacts | None = None
    """A detector that had to accept the images as well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageEntry:
    """One image's pixel counts, and what makes it hard; None where that is not known."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    key: int | str
    """Name of the image or of its true mask's file; of a sample its index."""
    preds: str | None = None
    """File of the predicted mask, where there is one."""
    tp: int
    fp: int
    fn: int
    tn: int
    size: float | None = None
    """As in :class:`l4f_bench.evaluation.difficulty.Difficulty`, like the next two."""
    offset: float | None = None
    contrast: float | None = None
    num_objects: int | None = None
    """Objects that the image shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything one evaluation knows."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    setting: str
    """``samples``: a method's own samples with pseudo ground truth (Tables 1 and 2); ``images``:
    images with their own masks or an annotator's (Tables 3 and 4); ``trust``: a part of the images,
    against either; ``quality``: a method's images beside real ones (Table 5), without masks."""
    method: str
    """Key of the method, as in the published tables."""
    method_title: str
    dataset: str
    """Key of the data set."""
    dataset_title: str
    label: str
    """How a table names what was measured."""
    truth: str
    """Whose masks are true: ``exact``, ``human``, or the annotator's name; or ``real images``."""
    annotator: AnnotatorFacts | None = None
    """What made the pseudo ground truth, or chose the images; None where none is used."""
    subset: Subset = "all"
    """Which images are scored: all, or those that the annotator accepted or rejected."""
    truncation: float | None = None
    """Truncation psi of samples; None for real images."""
    threshold: float | None = None
    """Alpha above which a pixel is foreground; None for masks from files."""
    level: int | None = None
    """Grey level (8-bit scale) from which a pixel of a mask file is foreground."""
    seed: int
    """Seed of samples, of drawn images and of the bootstrap."""
    protocol: Protocol | None
    """How masks are scored; None in ``quality``."""
    images_digest: str | None = None
    """What fixes the images; None for samples that no file of a generator fixes."""
    split: str | None = None
    """Which of the data set's images, as ``first 1000 of test``; None where it has no splits."""
    parts: tuple[str, ...] = ()
    """Parts of the true masks that are foreground; empty for all that there are."""
    n: int
    """Number of images scored."""
    scores: dict[str, Estimate]
    scores_without_bars: dict[str, Estimate] = field(default_factory=dict)
    """The scores without the letterbox bars, where the data set's pictures have such."""
    controls: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    """Scores of masks that never look at the image: ``constant``, the one mask that fits the truths
    best, and ``shifted``, each prediction against the next image's truth."""
    images: list[ImageEntry] = field(default_factory=list)
    levels: list[list[int]] | None = None
    """Pixels of all images by grey level of the prediction, ``[2][256]``: on true background, on
    true foreground. None where the protocol counts one threshold alone."""
    piece: str | None = None
    """Which part of the images this is, as ``3/16``; None for all of them."""
    drawn: int | None = None
    """Images looked at until n were accepted, or all; None in ``quality``."""
    rejected: dict[str, int] = field(default_factory=dict)
    """How many images the annotator rejected, or had masks with faults, by reason."""
    distance: DistanceFacts | None = None
    """What was compared in ``quality``, and by which features; None elsewhere."""
    config: dict[str, Any] = field(default_factory=dict)
    """The setting with all its options."""
    provenance: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """What was noticed while scoring, as shown to the user."""
    seconds: float = 0.0
    """Wall time of the evaluation."""

    @property
    def protocol_name(self) -> str:
        """Key of the protocol; in ``quality`` of the distance."""
        return self.protocol.name if self.protocol is not None else next(iter(self.scores))

    def counts(self) -> IntArray:
        """Pixel counts of every image, int64 ``[n, 4]``."""
        rows = [[getattr(entry, name) for name in COUNT_NAMES] for entry in self.images]
        return np.array(rows, dtype=np.int64).reshape(-1, len(COUNT_NAMES))

    def image_keys(self) -> list[tuple[object, ...]] | None:
        """What tells the images apart from those of another record of the same data set.

        None where nothing fixes the images: the indices of samples may stand for others.
        """
        if self.images_digest is None:
            return None
        return [(self.images_digest, entry.key) for entry in self.images]

    def to_json(self) -> dict[str, Any]:
        """The record as written to disk."""
        document = document_of(self, form=FORMAT, version=VERSION)
        document["images"] = [
            {name: value for name, value in entry.items() if value is not None}
            for entry in document["images"]
        ]
        return document

    def save(self, path: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: The folder cannot be written.
        """
        write_document(path, self.to_json())


class Evaluated(typing.Protocol):
    """What every setting has."""

    key: ClassVar[str]

    @property
    def dataset(self) -> str:
        """Key of the data set."""

    @property
    def seed(self) -> int:
        """Seed of samples, of drawn images and of the bootstrap."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What a setting says of its evaluation; fields as in :class:`Record`."""

    method: str
    method_title: str
    dataset_title: str
    label: str
    truth: str
    annotator: AnnotatorFacts | None = None
    subset: Subset = "all"
    truncation: float | None = None
    threshold: float | None = None
    level: int | None = None
    piece: str | None = None
    images_digest: str | None = None
    split: str | None = None
    parts: tuple[str, ...] = ()
    digests: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def build_record(
    setting: Evaluated, facts: Facts, result: Counts | DistanceFacts, *, started: float
) -> Record:
    """The record of an evaluation.

    Args:
        setting: What was evaluated, a frozen dataclass; masks under its ``protocol``.
        facts: What it says of that.
        result: Pixel counts, or the distance of two sets of images.
        started: ``time.perf_counter()`` at the beginning.
    """
    measured = (
        _of_masks(PROTOCOLS.get(setting.protocol), setting.seed, result)  # type: ignore[attr-defined]
        if isinstance(result, Counts)
        else _of_distance(result)
    )
    return Record(
        setting=setting.key,
        dataset=setting.dataset,
        seed=setting.seed,
        **{item.name: getattr(facts, item.name) for item in fields(facts)},
        **measured,
        config=json.loads(json.dumps(asdict(setting), default=str)),  # type: ignore[call-overload]
        provenance=provenance(),
        seconds=round(time.perf_counter() - started, 3),
    )


def rescored(record: Record, counts: Counts) -> Record:
    """A record with the counts of other images of the same evaluation."""
    assert record.protocol is not None, "records with pixel counts have a protocol"
    return replace(record, **_of_masks(record.protocol, record.seed, counts))


def _of_masks(protocol: Protocol, seed: int, counts: Counts) -> dict[str, Any]:
    without_bars = counts.table_without_bars
    return {
        "protocol": protocol,
        "n": len(counts.rows),
        "scores": estimate(protocol, counts.table, counts.levels, seed=seed),
        "scores_without_bars": (
            {}
            if without_bars is None
            else estimate(protocol, without_bars, counts.levels_without_bars, seed=seed)
        ),
        "controls": {
            name: point_scores(protocol, table) for name, table in counts.controls.counts().items()
        },
        "images": [
            ImageEntry(
                key=row.key,
                preds=row.preds_name,
                **dict(zip(COUNT_NAMES, map(int, row.counts), strict=True)),
                **_rounded(row.difficulty),
                num_objects=row.num_objects,
            )
            for row in counts.rows
        ],
        "levels": None if counts.levels is None else counts.levels.sum(0).tolist(),
        "drawn": counts.drawn,
        "rejected": dict(counts.rejected),
    }


def _rounded(difficulty: Difficulty) -> dict[str, Any]:
    values = asdict(difficulty)
    return {name: None if value is None else round(value, 5) for name, value in values.items()}


def _of_distance(found: DistanceFacts) -> dict[str, Any]:
    return {
        "protocol": None,
        "n": found.sides[0].count,
        "scores": {found.key: Estimate(found.value)},
        "distance": found,
    }


def load_record(path: Path) -> Record:
    """Read a record file; one of version 1 is lifted.

    Raises:
        InputError: The file cannot be read, is no record, or has a version this release
            does not know.
    """
    content = _document(path)
    version = content.pop("version", None)
    if version not in (1, VERSION):
        raise InputError(f"{path} has version {version!r:.40}; this release reads 1 and {VERSION}.")
    from l4f_bench.evaluation.record_checks import checked

    try:
        if version == 1:
            from l4f_bench.evaluation.records_v1 import lifted

            content = lifted(content)
        return checked(content)
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} lacks fields of a record or has others: {reason}. Run the evaluation again."
        ) from None


def find_records(paths: list[Path], names: Sequence[str] = (RECORD_FILE,)) -> list[Path]:
    """Record files among ``paths``, searching folders below.

    Args:
        paths: Files and folders.
        names: What record files in folders are called.

    Raises:
        InputError: A path does not exist, or a folder holds no record.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist. Give record files or run folders.")
        records = [path]
        if path.is_dir():
            records = sorted(record for name in names for record in path.rglob(name))
        if not records:
            raise InputError(f"{path} holds no {RECORD_FILE}. Run `l4f-bench eval` first.")
        found += [record for record in records if record not in found]
    return found


def _document(path: Path) -> dict[str, Any]:
    from pydantic_core import from_json  # the standard library's parser overflows on deep nesting

    try:
        content = from_json(path.read_bytes(), allow_inf_nan=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a record: {error}.") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise InputError(f"{path} is not a record of l4f-bench. Give what `l4f-bench eval` wrote.")
    return content
