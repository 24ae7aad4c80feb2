"""What a folder of samples is to hold."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from l4f_bench.errors import InputError
from l4f_bench.evaluation.ranges import check_count, check_fraction, check_sampling
from l4f_bench.methods.specs import method_named
from l4f_bench.precision import FLOAT32, check_precision
from l4f_bench.registry import unknown_name

IMAGES = ("original", "composite")
"""Which images pairs can have."""
FORMATS = ("folder", "webdataset", "coco")
"""How pairs can be stored."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PairsConfig:
    """Pairs of an image and its masks, for others to learn from."""

    images: str = "original"
    """``original`` as the generator paints them, or ``composite``: their foregrounds on other
    backgrounds."""
    format: str = "folder"
    """``folder``: a PNG each; ``webdataset``: these in tar files; ``coco``: a folder, with COCO's
    annotations beside it."""

    def __post_init__(self) -> None:
        for what, name, known in (
            ("image", self.images, IMAGES),
            ("format", self.format, FORMATS),
        ):
            if name not in known:
                raise InputError(unknown_name(what, name, list(known)))


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleConfig:
    """A folder of samples: which files make them, and which samples."""

    dataset: str
    """Key of the data set, which gives the defaults of ``background`` and ``threshold``."""
    method: str = "ours"
    """Key of the method."""
    generator: Path | None = None
    """Checkpoint of the generator; None takes an embedded or cached one."""
    alpha: Path | None = None
    """Checkpoint of the alpha network of ours; None takes the embedded one."""
    num_images: int
    """Samples 0 to num_images - 1 are made."""
    truncation: float = 1.0
    """psi in [0, 1] of the foreground."""
    seed: int = 0
    """Seed of the set."""
    threshold: float = 0.9
    """Alpha above which a pixel of the mask is foreground, in [0, 1)."""
    background: str | None = None
    """Of ours ``first-conv`` or ``constant``: how the generator paints backgrounds."""
    alpha16: bool = False
    """Also write alpha with 16 bits."""
    precision: str = FLOAT32
    """What networks compute in, one of ``PRECISIONS``."""
    pairs: PairsConfig | None = None
    """Write pairs alone; None for everything that the method makes."""

    def __post_init__(self) -> None:
        check_count("-n", self.num_images, 1)
        check_sampling([self.truncation], self.seed)
        check_precision(self.precision)
        check_fraction("--threshold", self.threshold, below=1)

    @property
    def has_layers(self) -> bool:
        """Whether backgrounds and composites are looked at."""
        return self.pairs is None or self.pairs.images == "composite"


def identity_of(config: SampleConfig, digests: dict[str, str]) -> dict[str, Any]:
    """What must be the same for two runs to fill one folder; JSON data."""
    # Folders from before there was a choice are of float32, and can be gone on with.
    exact = {} if config.precision == FLOAT32 else {"precision": config.precision}
    return {
        "method": method_named(config.method).name,
        "dataset": config.dataset,
        "truncation": config.truncation,
        "seed": config.seed,
        "threshold": config.threshold,
        "background": config.background,
        "alpha16": config.alpha16,
        "pairs": None if config.pairs is None else asdict(config.pairs),
        "sha256": digests,
        **exact,
    }
