"""The record of a folder of projections: versioned JSON, from which its table is drawn.

``photographs`` holds the errors of every photograph, so that every mean and interval can be
recomputed. A number is null where it is not defined.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from l4f_bench.metrics.intervals import Estimate, mean_estimate

FORMAT = "l4f-bench projection record"
VERSION = 1
PROJECTIONS_FILE = "projections.json"
ERRORS = ("mse", "psnr", "ssim", "mse_of_mean")


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotographEntry:
    """How far one photograph is from its reconstruction, at the size of the generator's picture."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    image: str
    """Its name below the folder."""
    mse: float
    psnr: float | None
    ssim: float | None
    mse_of_mean: float
    """Error of the generator's mean picture, which never looks at the photograph."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectionRecord:
    """Everything one folder of projections knows."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    dataset_title: str
    """What the photographs are called."""
    by: str
    """``encoder`` or ``optimisation``."""
    loss: str | None
    """Of the optimisation."""
    n: int
    """Photographs projected."""
    unreadable: int
    """Photographs left out since they cannot be read."""
    errors: dict[str, Estimate]
    """Means over the photographs by name, with 95% bootstrap intervals (seed 0)."""
    photographs: list[PhotographEntry]
    config: dict[str, Any]
    provenance: dict[str, Any]
    digests: dict[str, str]
    """SHA-256 of every file that had a part, by what it is."""
    seconds: float
    """Wall time of the run that ended it."""

    def save(self, path: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: The folder cannot be written.
        """
        write_document(path, document_of(self, form=FORMAT, version=VERSION))


def mean_errors(photographs: list[PhotographEntry]) -> dict[str, Estimate]:
    """``errors`` of a record, from those of its photographs."""
    return {
        name: mean_estimate(np.array([getattr(one, name) for one in photographs], np.float64))
        for name in ERRORS
    }


def load_projections(path: Path) -> ProjectionRecord:
    """Read a record of projections.

    Raises:
        InputError: The file cannot be read, is no such record, or has another version.
    """
    what = "no record of projections. Give what `l4f-bench project` wrote."
    content = read_document(path, form=FORMAT, version=VERSION, otherwise=what)
    return validated(path, content, ProjectionRecord, again="Project again.")
