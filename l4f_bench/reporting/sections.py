"""A part of a report: a table with notes, and what it says for machines."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from l4f_bench.metrics.intervals import Estimate

MISSING = "n/a"
"""What stands where there is no number."""
EXCHANGED = "†"
"""Marks a published pair of fg and bg that is printed the other way round."""
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
    latex: str | None = None
    """As LaTeX in the paper's layout, where that was asked for."""


def number(estimate: Estimate | None, sign: str = "") -> str:
    """A score with its interval; ``sign`` ``+`` shows that of positive numbers, too."""
    if estimate is None or estimate.value is None:
        return MISSING
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{sign}.4f}"
    return f"{estimate.value:{sign}.4f} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"


def file_stem(name: str, taken: Container[str]) -> str:
    """A name for files that says ``name``, whatever characters that has; none of ``taken``."""
    stem = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:60] or "table"
    unique, number = stem, 2
    while unique in taken:
        unique, number = f"{stem}-{number}", number + 1
    return unique
