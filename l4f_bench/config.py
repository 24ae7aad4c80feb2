"""Configurations of the commands: frozen, checked on construction, written into records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l4f_bench.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class CountConfig:
    """How two folders of masks become pixel counts."""

    level: int = 128
    """Grey level (8-bit scale) from which a pixel is foreground, 1 to 255."""
    invert: bool = False
    """Predictions are black on the object: turn them round before anything else."""
    ignore_bars: bool = False
    """Leave out rows that are pure black in the image (letterbox bars)."""
    workers: int | None = None
    """Threads that decode and count; None takes one per CPU core."""
    limit: int | None = None
    """Use the first pairs only, in natural order."""

    def __post_init__(self) -> None:
        if not 1 <= self.level <= 255:
            raise InputError(f"--level {self.level} is no grey level. Give 1 to 255.")
        for option, value in (("--workers", self.workers), ("--limit", self.limit)):
            if value is not None and value < 1:
                raise InputError(f"{option} {value} is too small. Give 1 or more.")


@dataclass(frozen=True, kw_only=True, slots=True)
class EvalConfig:
    """One evaluation: a method on a data set in a setting, scored under a protocol."""

    method: str
    """Key of the method, as in the published tables."""
    dataset: str
    """Key of the data set."""
    setting: str = "custom"
    """What is evaluated: ``custom`` compares with the paper's hand-drawn masks (Table 3)."""
    protocol: str = "l4f"
    """Key of the protocol."""
    data_dir: Path | None = None
    """Root of the data on disk."""
    masks_dir: Path | None = None
    """Predicted masks; None takes the published ones that lie beside the data."""
    count: CountConfig = CountConfig()
    """How masks are read and counted."""
    seed: int = 0
    """Seed of the bootstrap."""
