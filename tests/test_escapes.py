"""Text of strangers stays text wherever it is read."""

from __future__ import annotations

import csv
import io

import pytest
from markdown_it import MarkdownIt

from l4f_bench.reporting.report import build_report
from l4f_bench.reporting.writers import WRITERS
from tests.records import record

TEXTS = [
    "**bold** _leaning_ <b>b</b>",
    "a | b",
    "[here](https://example.org) ![x](y.png)",
    "<script>alert(1)</script>",
    "`code`",
    r"\input{/etc/passwd} $x$ 50% #1 {a} ~ ^",
    "=HYPERLINK(1)",
    "+1-1",
    "-2",
    " @SUM(A1)",
    "\x1b[2J\x9b31m\u202eevil",
    "two\nlines\r\n# heading",
]
FIELDS = ("method", "method_title", "dataset", "dataset_title", "label", "truth")


def written(text: str, form: str) -> str:
    report = build_report([record(**dict.fromkeys(FIELDS, text))])
    return "".join(WRITERS[form](section) for section in report.sections)


def tags(markdown: str) -> list[str]:
    """What Markdown makes of a text, but for the text itself and code in our own notes."""
    blocks = MarkdownIt("commonmark").enable("table").parse(markdown)
    kinds = [token.type for block in blocks for token in (block, *(block.children or []))]
    return [kind for kind in kinds if kind not in ("text", "text_special")]


@pytest.mark.parametrize("text", TEXTS)
def test_markdown_makes_nothing_of_a_text_but_text(text: str) -> None:
    assert tags(written(text, "md")) == tags(written("plain", "md"))


@pytest.mark.parametrize("text", TEXTS)
def test_csv_holds_no_formula(text: str) -> None:
    for row in csv.reader(io.StringIO(written(text, "csv"))):
        for cell in row:
            assert not cell.strip().startswith(("=", "@", "+"))
            assert not cell.strip().startswith("-") or float(cell) < 0


@pytest.mark.parametrize("text", TEXTS)
def test_latex_makes_nothing_of_a_text_but_text(text: str) -> None:
    shown = written(text, "tex")
    assert shown.count(r"\toprule") == shown.count(r"\begin{tabular}") > 0
    assert r"\input" not in shown
    assert "$x$" not in shown
    assert "{a}" not in shown


@pytest.mark.parametrize("form", ["md", "tex", "csv"])
@pytest.mark.parametrize("text", TEXTS)
def test_tables_hold_only_what_shows(text: str, form: str) -> None:
    assert all(line.isprintable() for line in written(text, form).split("\n"))
