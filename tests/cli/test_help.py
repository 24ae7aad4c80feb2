"""The help of commands reads as text, as wide as the terminal."""

from __future__ import annotations

from itertools import pairwise

import pytest
from typer.testing import CliRunner

from l4f_bench.cli import app

WIDTH = 80


@pytest.mark.parametrize(
    "command", ["train", "score", "eval trust", "edit measure", "analyze layers"]
)
def test_a_line_of_help_ends_where_the_next_word_would_not_fit(command: str) -> None:
    environment = {"COLUMNS": str(WIDTH), "TERM": "dumb"}
    result = CliRunner().invoke(app, [*command.split(), "--help"], env=environment)
    assert result.exit_code == 0
    prose = [line.rstrip() for line in result.output.partition("╭")[0].splitlines()]
    ends = [
        (line, following.split()[0])
        for line, following in pairwise(prose)
        if line and following and not following.startswith(" Example:")  # a paragraph of its own
    ]
    assert ends
    for line, word in ends:
        assert len(line) + 1 + len(word) >= WIDTH, line  # a column is left free on the right
