"""The record of one evaluation: versioned JSON, from which every table is drawn.

Version 1. ``scores`` maps a metric's key to ``{"value", "low", "high"}`` in [0, 1], a distance's to
0 or more (null where undefined; low and high bound the 95% bootstrap interval over images).
``images`` holds one entry per image with its pixel counts, so that every score can be recomputed.
``config`` and ``provenance`` say what ran; ``digests`` are SHA-256 over the names and contents of
the files.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.protocols import IntArray
from l4f_bench.runs import write_text

FORMAT = "l4f-bench record"
VERSION = 1
RECORD_FILE = "record.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Everything one evaluation knows."""

    method: str
    """Key of the method, as in the published tables."""
    label: str
    """How a table names what was measured."""
    dataset: str
    setting: str
    """``custom``: real images with hand-drawn masks (Table 3); ``sampled``: a method's own
    samples with pseudo ground truth (Tables 1 and 2); ``real``: images with exact masks;
    ``quality``: a method's images beside real ones (Table 5), without masks."""
    truth: str
    """Where the true masks come from, or the real images."""
    truncation: float | None
    """Truncation psi of sampled images; None for real ones."""
    protocol: str
    """Key of how masks are scored; in ``quality`` of the distance: ``fid`` or ``fd_shapes``."""
    n: int
    """Number of images scored."""
    scores: dict[str, Estimate]
    images: list[dict[str, Any]]
    """Per image: the files' names or the sample's index, and tp, fp, fn, tn."""
    config: dict[str, Any]
    provenance: dict[str, Any]
    digests: dict[str, str] = field(default_factory=dict)
    annotation: dict[str, Any] = field(default_factory=dict)
    """What made the pseudo ground truth and which samples it accepts; empty where none is used."""
    subset: str = "all"
    """Which images are scored: all, or those that the annotator accepted or rejected."""
    scores_without_bars: dict[str, Estimate] = field(default_factory=dict)
    """The scores without the letterbox bars, where the data set's pictures have such."""
    drawn: int | None = None
    """Samples drawn until n were accepted; None for real images."""
    rejected: dict[str, int] = field(default_factory=dict)
    """How many samples the annotator rejected, by reason."""
    distance: dict[str, Any] = field(default_factory=dict)
    """What was compared in ``quality``, and by which features; empty elsewhere."""
    warnings: list[str] = field(default_factory=list)
    """What was noticed while scoring, as shown to the user."""
    seconds: float = 0.0
    """Wall time of the evaluation."""

    def counts(self) -> IntArray:
        """Pixel counts of every image, int64 ``[n, 4]``."""
        rows = [[entry[name] for name in COUNT_NAMES] for entry in self.images]
        return np.array(rows, dtype=np.int64).reshape(-1, len(COUNT_NAMES))

    def image_keys(self) -> list[tuple[object, ...]] | None:
        """What tells the images apart from those of another record of the same data set.

        None for samples: their indices stand for other images with every method.
        """
        if self.setting == "sampled":
            return None
        of_all = self.config.get("seed") if self.setting == "real" else self.digests.get("target")
        return [(of_all, entry.get("target", entry.get("index"))) for entry in self.images]

    def to_json(self) -> dict[str, Any]:
        """The record as written to disk."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}

    def save(self, path: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: The folder cannot be written.
        """
        write_text(path, json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n")


def image_entry(counts: IntArray) -> dict[str, int]:
    """Counts ``[4]`` of one image as they stand in ``images``."""
    return dict(zip(COUNT_NAMES, map(int, counts), strict=True))


def load_record(path: Path) -> Record:
    """Read a record file.

    Raises:
        InputError: The file cannot be read, is no record, or has a version this release
            does not know.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} cannot be read as a record: {error}.") from None
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise InputError(f"{path} is not a record of l4f-bench. Give what `l4f-bench eval` wrote.")
    version = content.pop("version", None)
    if version != VERSION:
        raise InputError(f"{path} has version {version}; this release reads version {VERSION}.")
    try:
        content.setdefault("scores_without_bars", {})
        for scores in ("scores", "scores_without_bars"):
            content[scores] = {k: Estimate(**v) for k, v in content[scores].items()}
        return Record(**content)
    except (TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path} lacks fields of a record or has others: {error}. Run the evaluation again."
        ) from None


def find_records(paths: list[Path]) -> list[Path]:
    """Record files among ``paths``, searching folders below.

    Raises:
        InputError: A path does not exist, or a folder holds no record.
    """
    found: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist. Give record files or run folders.")
        records = sorted(path.rglob(RECORD_FILE)) if path.is_dir() else [path]
        if not records:
            raise InputError(f"{path} holds no {RECORD_FILE}. Run `l4f-bench eval` first.")
        found += [record for record in records if record not in found]
    return found
