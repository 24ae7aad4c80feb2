"""Every kind of file that is read: a valid one, and what is done with a damaged one."""

from __future__ import annotations

from pathlib import Path

from mutation_kinds import checkpoints, images, records, runs, statistics
from mutation_kinds.kind import Kind

__all__ = ["Kind", "all_kinds"]


def all_kinds(folder: Path, golden: Path | None) -> dict[str, Kind]:
    """Valid files of every kind, written to ``folder``; pickles only where they are at hand."""
    made = (statistics.kinds, records.kinds, images.kinds, runs.kinds)
    found = checkpoints.kinds(folder, golden)
    for kinds in made:
        found |= kinds(folder)
    return found
