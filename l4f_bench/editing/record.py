"""The record of measured edits: versioned JSON, from which its table is drawn.

``samples`` holds what every edit did to every sample, so that every mean and interval can be
recomputed. A number is null where it is not defined.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from l4f_bench.files.documents import (
    EXACT_FIELDS,
    document_of,
    read_document,
    validated,
    write_document,
)
from l4f_bench.metrics.intervals import Estimate, FloatArray, mean_estimate

FORMAT = "l4f-bench editing record"
VERSION = 1
EDITS_FILE = "editing.json"
MEASURES = ("psnr", "ssim", "outside", "inside")
"""Fields of :class:`l4f_bench.editing.changes.Changes`, which says what they are."""
WAYS = ("plain", "preserving")
"""The edit as the generator paints it, and over the filled background."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditFacts:
    """One edit, and what it changes on the average of the samples."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    label: str
    """How a table names it; in a sequence the last of the edits made."""
    kind: str
    """``sefa``, ``factorisation``, ``ganspace``, ``boundary``, ``given`` or ``styleflow``."""
    name: str
    """Name of the directions, or of the attribute."""
    component: int | None
    """Which direction; None for an attribute."""
    strength: float
    meaning: str
    """What the strength is: ``step`` or ``target``."""
    rows: tuple[int, ...] | None
    """Rows of W+ that were changed; None for all."""
    changes: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    """By measure: ``plain``, ``preserving`` and ``difference``, the second minus the first, paired
    by sample. 95% bootstrap intervals over samples."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleEntry:
    """What the edits did to one sample."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    index: int
    left_out: str | None = None
    """Why it was not edited."""
    changes: list[list[list[float | None]]] = field(default_factory=list)
    """By edit, way and measure."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EditRecord:
    """Everything one measurement of edits knows."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    dataset: str
    dataset_title: str
    n: int
    """Samples measured, without those left out."""
    left_out: dict[str, int]
    """Samples left out, by reason."""
    truncation: float | None
    """psi of the samples; None for given latents."""
    seed: int
    """Seed of the samples and of the bootstrap."""
    threshold: float
    """Alpha above which a pixel is of the object."""
    fill: str
    """How the background was filled."""
    margin: int
    """Pixels around the object that were filled as well."""
    sequence: bool
    """Whether each edit was made on the result of the one before."""
    edits: list[EditFacts]
    samples: list[SampleEntry]
    config: dict[str, Any] = field(default_factory=dict)
    provenance: dict[str, Any] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    """SHA-256 of every file that had a part, by what it is."""
    seconds: float = 0.0

    def save(self, path: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: The folder cannot be written.
        """
        write_document(path, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """The record as written to disk."""
        return document_of(self, form=FORMAT, version=VERSION)


def estimated(
    samples: list[SampleEntry], num_edits: int, *, seed: int
) -> list[dict[str, dict[str, Estimate]]]:
    """``changes`` of each edit, from what it did to the samples."""
    rows = [entry.changes for entry in samples if entry.left_out is None]
    table = np.array(rows, np.float64).reshape(len(rows), num_edits, len(WAYS), len(MEASURES))
    return [
        {name: _three(table[:, edit, :, place], seed) for place, name in enumerate(MEASURES)}
        for edit in range(num_edits)
    ]


def _three(columns: FloatArray, seed: int) -> dict[str, Estimate]:
    pairs = {"plain": columns[:, 0], "preserving": columns[:, 1]}
    pairs["difference"] = columns[:, 1] - columns[:, 0]
    return {name: mean_estimate(values, seed=seed) for name, values in pairs.items()}


def load_edits(path: Path) -> EditRecord:
    """Read a record of edits.

    Raises:
        InputError: The file cannot be read, is no such record, or has another version.
    """
    what = "no record of edits. Give what `l4f-bench edit measure` wrote."
    content = read_document(path, form=FORMAT, version=VERSION, otherwise=what)
    return validated(path, content, EditRecord, again="Measure again.")
