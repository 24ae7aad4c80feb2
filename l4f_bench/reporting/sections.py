"""Parts of a report that are no table of mask scores, as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from tabulate import tabulate

from l4f_bench.metrics.intervals import Estimate


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A small table with a note."""

    name: str
    """Stem of its files."""
    title: str
    headers: tuple[str, ...]
    lines: list[list[str]]
    """What people read."""
    note: str
    rows: list[dict[str, Any]]
    """The same at full precision, for machines."""


def _markdown(section: Section) -> str:
    body = tabulate(section.lines, section.headers, tablefmt="github", disable_numparse=True)
    return f"## {section.title}\n\n{body}\n\n{section.note}\n"


def _latex(section: Section) -> str:
    """Needs the package booktabs."""
    table = tabulate(
        section.lines, section.headers, tablefmt="latex_booktabs", disable_numparse=True
    )
    return table + "\n"


def _csv(section: Section) -> str:
    return str(pd.json_normalize(section.rows).to_csv(index=False, na_rep="n/a"))


def _json(section: Section) -> str:
    return json.dumps({"section": section.name, "rows": section.rows}, indent=1) + "\n"


SECTION_WRITERS: dict[str, Callable[[Section], str]] = {
    "md": _markdown,
    "csv": _csv,
    "tex": _latex,
    "json": _json,
}


def number(estimate: Estimate | None, sign: str = "") -> str:
    """A score with its interval; ``sign`` ``+`` shows that of positive numbers, too."""
    if estimate is None or estimate.value is None:
        return "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{sign}.4f}"
    return f"{estimate.value:{sign}.4f} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"
