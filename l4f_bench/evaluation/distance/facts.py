"""What a comparison of two sets of images says of itself, as it stands in results."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from l4f_bench.files.documents import EXACT_FIELDS


@dataclass(frozen=True, kw_only=True, slots=True)
class SideFacts:
    """One of the two sets, and how its statistics were made; None where that is not known."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    kind: str
    """``folder``, ``generator``, ``samples``, ``world`` or ``statistics``."""
    path: str
    """Where the images come from, as it was given."""
    count: int | None
    """Images."""
    features: str | None
    resize: str | None
    divisor: str | None
    weights_sha256: str | None
    """Of the features' network."""
    dimension: int
    """Numbers in a feature."""
    size: tuple[int, int] | None = None
    """Width and height of the images."""
    sha256: str | None = None
    """Of the file of a generator or of statistics."""
    truncation: float | None = None
    seed: int | None = None
    resolution: int | None = None
    """Side of images of a world."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KernelFacts:
    """A kernel distance."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    name: str
    """``KID`` on Inception's features with the published weights; on others never that."""
    mean: float
    std: float | None
    """Over subsets; None for a single one."""
    num_subsets: int
    subset_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareFacts:
    """Improved precision and recall."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    precision: float
    recall: float
    neighbours: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DistanceFacts:
    """What was measured, and of which two sets."""

    __pydantic_config__: ClassVar = EXACT_FIELDS

    distance: str
    """Its name, such as ``FID`` or ``FD (shapes)``."""
    value: float
    kernel: KernelFacts | None
    precision_recall: ShareFacts | None
    sides: tuple[SideFacts, SideFacts]
    """Generated, real."""

    @property
    def key(self) -> str:
        """The distance's key in records: of ``FD (shapes)`` it is ``fd_shapes``."""
        return re.sub(r"\W+", "_", self.distance.lower()).strip("_")

    @property
    def made_with(self) -> dict[str, str]:
        """How features were made: those of the side that says so."""
        keys = ("features", "resize", "divisor")
        known = {key: [getattr(side, key) for side in self.sides] for key in keys}
        return {key: first or second or "unknown" for key, (first, second) in known.items()}
