"""Text of strangers, written so that it stays text wherever it is read.

Names and titles in records come from other people's files. Nothing in them may act: no markup or
link in Markdown, no command in LaTeX, no formula in a spreadsheet that opens a CSV file.
"""

from __future__ import annotations

import re

from l4f_bench.terminal import one_line

_LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\ensuremath{<}",
        ">": r"\ensuremath{>}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)
_MARKDOWN = str.maketrans({"<": "&lt;", ">": "&gt;", "|": "&#124;", "*": r"\*", "\\": "\\\\"})
_EMPHASIS = re.compile(r"(?<!\w)_|_(?!\w)")  # within a word, an underscore is only itself
_FORMULA = re.compile(r"\s*[=+\-@]")


def printable(name: str) -> str:
    """A file's name in which bytes that are no UTF-8 are written by their numbers."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def markdown_prose(text: str) -> str:
    """Markdown that shows ``text``; words between backticks are code, as in our notes."""
    plain = _EMPHASIS.sub(r"\\_", one_line(text).translate(_MARKDOWN))
    return plain.replace("](", r"]\(")


def markdown_cell(text: str) -> str:
    """Markdown that shows ``text`` in a cell of a table."""
    return markdown_prose(text).replace("`", r"\`")


def latex_text(text: str) -> str:
    """LaTeX that shows ``text``."""
    return one_line(text).translate(_LATEX)


def csv_value(value: object) -> object:
    """A value that no spreadsheet takes for a formula: such text has an apostrophe before it."""
    if not isinstance(value, str):
        return value
    text = one_line(value)
    return f"'{text}" if _FORMULA.match(text) else text
