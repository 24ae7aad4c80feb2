"""Sections of a report as Markdown, LaTeX, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from l4f_bench.errors import InputError
from l4f_bench.escapes import csv_value, latex_text, markdown_cell, markdown_prose
from l4f_bench.registry import unknown_name
from l4f_bench.reporting.sections import MISSING, Section
from l4f_bench.runs import write_text
from l4f_bench.terminal import one_line


def markdown(section: Section) -> str:
    """GitHub Markdown with the notes below."""
    lines = [[markdown_cell(cell) for cell in line] for line in section.lines]
    body = tabulate(lines, section.headers, tablefmt="github", disable_numparse=True)
    notes = "\n".join(f"- {markdown_prose(note)}" for note in section.notes)
    return f"## {markdown_cell(section.title)}\n\n{body}\n\n{notes}\n"


def latex(section: Section) -> str:
    """A LaTeX ``table`` environment; needs the package booktabs, the paper's layout graphicx."""
    if section.latex is not None:
        return section.latex
    lines = [[one_line(cell) for cell in line] for line in section.lines]
    body = tabulate(  # which escapes what LaTeX would obey
        lines, section.headers, tablefmt="latex_booktabs", disable_numparse=True
    )
    notes = "\n".join(rf"\par {latex_text(note)}" for note in section.notes)
    return (
        "\\begin{table}\n\\centering\n"
        f"\\caption{{{latex_text(section.title)}}}\n\\label{{tab:{section.name}}}\n{body}\n"
        f"\\begin{{minipage}}{{\\linewidth}}\\footnotesize\n{notes}\n\\end{{minipage}}\n"
        "\\end{table}\n"
    )


def csv(section: Section) -> str:
    """The rows for machines, nested values in columns of their own."""
    frame = pd.json_normalize(section.rows).map(csv_value).rename(columns=csv_value)
    frame = frame.convert_dtypes()  # whole numbers stay so beside missing ones
    return str(frame.to_csv(index=False, na_rep=MISSING))


def to_json(section: Section) -> str:
    """The rows for machines."""
    content = {"name": section.name, "title": section.title, "rows": section.rows}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


PAGE = "html"
"""The format of all sections in one page, which is no format of a single one."""
WRITERS: dict[str, Callable[[Section], str]] = {
    "md": markdown,
    "csv": csv,
    "tex": latex,
    "json": to_json,
}


def writers(names: str) -> tuple[dict[str, Callable[[Section], str]], bool]:
    """The writers of formats, by name, and whether the page is wanted.

    Args:
        names: Comma-separated.

    Raises:
        InputError: A name is unknown.
    """
    chosen = [name.strip() for name in names.split(",")]
    for name in chosen:
        if name not in (*WRITERS, PAGE):
            raise InputError(unknown_name("format", name, [*WRITERS, PAGE]))
    return {name: WRITERS[name] for name in chosen if name != PAGE}, PAGE in chosen


def write_section(
    section: Section, folder: Path, chosen: Mapping[str, Callable[[Section], str]]
) -> None:
    """Write a section in every chosen format.

    Raises:
        InputError: The folder cannot be written.
    """
    for name, write in chosen.items():
        write_text(folder / f"{section.name}.{name}", write(section))
