from __future__ import annotations

import pytest

from l4f_bench.terminal import one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words: Größe: 3 € …", "plain words: Größe: 3 € …"),
        ("two  spaces.png", "two  spaces.png"),
        ("one\ntwo\r\n  three\tfour", "one two three four"),
        ("\x1b[31mred\x07\x9b0m", "?[31mred??0m"),
        ("right\u202eleft", "right?left"),
        ("line\u2028separator", "line separator"),
        ("half \ud800 and \udcff", "half ? and ?"),
    ],
)
def test_a_line_only_shows(text: str, shown: str) -> None:
    assert one_line(text) == shown
    assert one_line(shown) == shown
