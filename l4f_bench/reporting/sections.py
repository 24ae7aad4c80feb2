"""A part of a report: a table with notes, and what it says for machines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from l4f_bench.metrics.intervals import Estimate

MISSING = "n/a"
"""What stands where there is no number."""
CONTROLS = {"constant": "constant mask", "shifted": "next image's truth"}
"""What controls are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """One table."""

    name: str
    """Stem of its files."""
    title: str
    headers: tuple[str, ...]
    lines: list[list[str]]
    """What people read."""
    notes: tuple[str, ...]
    rows: list[dict[str, Any]]
    """The same at full precision, for machines."""


def number(estimate: Estimate | None, sign: str = "") -> str:
    """A score with its interval; ``sign`` ``+`` shows that of positive numbers, too."""
    if estimate is None or estimate.value is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{sign}.4f}"
    return f"{estimate.value:{sign}.4f} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"
