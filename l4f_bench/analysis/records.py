"""The record of one analysis: versioned JSON, from which its table and plot are drawn.

``digests`` are SHA-256 of the generator's and the annotator's files, ``config`` and ``provenance``
say what ran, as in the records of evaluations.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from l4f_bench.analysis.rule import Recommendation
from l4f_bench.errors import InputError
from l4f_bench.files.documents import document_of, read_document, validated, write_document
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.ssim_definitions import PRIMARY

FORMAT = "l4f-bench analysis"
VERSION = 1
RECORD_FILE = "analysis.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisRecord:
    """What every analysis says of itself."""

    kind: ClassVar[str]
    dataset_title: str
    size: int
    """Side of the generator's images in pixels."""
    config: dict[str, Any]
    """The options, all of them."""
    provenance: dict[str, Any]
    digests: dict[str, str]
    seconds: float
    """Wall time."""

    def to_json(self) -> dict[str, Any]:
        """The record as written to disk."""
        return document_of(self, form=FORMAT, version=VERSION, kind=self.kind)

    def save(self, path: Path) -> None:
        """Write the record atomically.

        Raises:
            InputError: The folder cannot be written.
        """
        write_document(path, self.to_json())


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerRow:
    """One RGB layer."""

    layer: int
    """Counted from 1 at 4 pixels, as in the paper."""
    resolution: int
    ssim: dict[str, Estimate]
    """Mean SSIM of images without it, by definition; 95% bootstrap intervals over samples and
    noise draws."""
    fall: Estimate | None
    """Share by which that lies below the layer before, by the primary definition; None for the
    first."""
    rgb_std: float
    """Standard deviation of what the layer paints, mean over samples; the noise has 1."""
    chosen: float
    """Share of the resamples in which the rule keeps from this layer on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayersRecord(AnalysisRecord):
    """The analysis of section 3.1."""

    kind: ClassVar[str] = "layers"
    rows: list[LayerRow]
    recommendation: Recommendation
    primary: str = PRIMARY
    """Definition of SSIM that the rule goes by."""
    ssim: dict[str, list[list[list[float]]]]
    """Every SSIM by definition: resolution, noise draw, sample."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackgroundRow:
    """One layer: the constant, or a styled convolution."""

    name: str
    """As its key in the rosinality layout: ``input``, ``conv1``, ``convs.0``, …"""
    resolution: int
    channels: int
    summed: Estimate
    """The paper's measure: norms of the gradient over positions, summed over channels; mean and
    95% bootstrap interval over samples."""
    per_element: Estimate
    """The same by element: root mean square over positions, mean over channels."""
    shuffled_summed: Estimate
    """``summed`` of the generator with shuffled weights."""
    shuffled_per_element: Estimate
    zeroed_error: Estimate
    """Squared error to the background once the layer is zeroed, over that of the whole image."""
    shuffled_zeroed_error: Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class CuratedFacts:
    """A background mode that zeroes the channels above a threshold, and leaves the others."""

    layer: int
    """Of ``BackgroundMode``: -1 the constant, 0 the first styled convolution."""
    threshold: float
    """In units of the measure of one channel."""
    channels: list[int]
    """Those that are zeroed."""
    of: int
    """How many the layer has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BackgroundRecord(AnalysisRecord):
    """The analysis of section 3.2."""

    kind: ClassVar[str] = "background"
    rows: list[BackgroundRow]
    leaders: dict[str, str]
    """Layer with the largest value of each measure, by its field in a row."""
    mode: str
    """The background mode that is recommended."""
    reason: str
    """Why, in a sentence."""
    curated: CuratedFacts
    crops: list[tuple[int, int, int]]
    """Row, column and side of each sample's background in the image that it was cut from."""
    rejected: int
    """Images without a background to cut out."""
    channel_norms: list[float]
    """The measure of every channel of the recommended layer."""


def load_analysis(path: Path) -> LayersRecord | BackgroundRecord:
    """Read the record of an analysis.

    Raises:
        InputError: The file cannot be read, is no such record, or has another version.
    """
    what = "no analysis. Give what `l4f-bench analyze` wrote."
    content = read_document(path, form=FORMAT, version=VERSION, otherwise=what)
    kind = content.pop("kind", None)
    kinds: dict[object, type[LayersRecord | BackgroundRecord]] = {
        own.kind: own for own in (LayersRecord, BackgroundRecord)
    }
    if kind not in kinds:
        known = " or ".join(map(str, kinds))
        raise InputError(f"{path} is of kind {kind!r:.40}; this release reads {known}.")
    return validated(path, content, kinds[kind], again="Analyse again.")


@dataclass(frozen=True, slots=True)
class Tiles:
    """Images of a figure: a row a sample, a column a version of it."""

    headers: tuple[str, ...]
    """Over the columns."""
    images: npt.NDArray[np.uint8]
    """``[rows, columns, H, W, 3]``."""
