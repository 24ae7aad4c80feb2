"""Errors are one line, whatever names and texts of files they quote."""

from __future__ import annotations

import pickle

import pytest

from l4f_bench.errors import BenchError, InputError, MissingAssetError, TrainingError


@pytest.mark.parametrize("kind", [BenchError, InputError, MissingAssetError, TrainingError])
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb", "a b"),
        ("a\r\n\tb", "a b"),
        ("a\u2028b", "a b"),
        ("\x1b[2Ja", "?[2Ja"),
        ("a\ud800\x00", "a??"),
        ("é 図 a  b", "é 図 a  b"),
    ],
)
def test_a_message_is_one_line_that_only_shows(
    kind: type[BenchError], name: str, shown: str
) -> None:
    error = kind(f"'{name}' is gone.")
    assert str(error) == f"'{shown}' is gone."
    assert str(error).isprintable()
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
