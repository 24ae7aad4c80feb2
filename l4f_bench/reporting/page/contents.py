"""What a page shows, as values that its template only has to lay out."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.reporting.page.pictures import Picture
from l4f_bench.reporting.page.plots import Bar, Curve, Histogram, Shares


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """A number or words."""

    text: str
    interval: str = ""
    """Its 95% interval in words."""
    bar: Bar | None = None
    sort: float | None = None
    """What the cell is sorted by, if it is a number."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of a row: what was measured, published, and so on."""

    kind: str
    """``measured``, ``published``, ``difference``, ``spread`` or ``control``."""
    source: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Everything about one method under one setting."""

    name: str
    dataset: str
    psi: str
    n: str
    protocol: str
    lines: tuple[Line, ...]
    cards: tuple[str, ...]
    """Anchors of what is known of each run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """All that one record knows."""

    anchor: str
    title: str
    picture: Picture | None
    histogram: Histogram | None
    curve: Curve | None
    rejected: Shares | None
    facts: tuple[tuple[str, str], ...]
    """What ran, by name."""
    config: str
    """Every option, as JSON."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """A section of the page: a table of masks with rows, or any other table with lines."""

    anchor: str
    title: str
    headers: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    lines: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The whole page."""

    title: str
    summary: tuple[tuple[str, str], ...]
    faults: tuple[str, ...]
    """Why files were passed over."""
    parts: tuple[Part, ...]
