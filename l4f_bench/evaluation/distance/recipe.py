"""How two sets of images are compared by their features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l4f_bench.evaluation.ranges import check_count, check_sampling
from l4f_bench.precision import FLOAT32

SAMPLES = 50_000
"""Images to draw from a generator, by default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DistanceConfig:
    """Features, their preparation, and what is reported."""

    features: str = "inception"
    """Key of the feature extractor."""
    weights: Path | None = None
    """Its file; None takes the published one from the cache."""
    resize: str = "bilinear"
    """How images are resized to the extractor's input."""
    divisor: str = "n-1"
    """Divisor of the covariances: ``n-1`` or ``n``."""
    samples: int = SAMPLES
    """Images to draw from a generator."""
    truncation: float = 1.0
    """psi in [0, 1] of a generator."""
    seed: int = 0
    """Seed of a generator's images and of the subsets of the kernel distance."""
    kernel: bool = False
    """Also the kernel distance."""
    precision_recall: bool = False
    """Also precision and recall."""
    allow_small_n: bool = False
    """Compare even fewer images than the distance is fit for."""
    batch_size: int | None = None
    """Images at a time; None for 16 on a CPU and 64 on a GPU."""
    workers: int | None = None
    """Threads that decode; None takes one per CPU core."""
    device: str | None = None
    """Where to compute; None takes a GPU if there is one."""
    precision: str = FLOAT32
    """What a generator computes in; features are in float32."""

    def __post_init__(self) -> None:
        check_sampling([self.truncation], self.seed)
        check_count("--samples", self.samples, 2)
        check_count("--workers", self.workers, 1)
