from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from l4f_bench.json_data import parse_json, read_json


@pytest.mark.parametrize("value", [None, 1.5, "text", [1, {"a": [2, "[{"]}], {"a": {"b": {}}}])
def test_json_is_read_as_python_reads_it(value: object, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(value))
    assert parse_json(json.dumps(value)) == value == read_json(tmp_path / "a.json")


@pytest.mark.parametrize("depth", [100, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_deep_json_is_a_value_error(depth: int, opening: str, closing: str) -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(opening * depth + "0" + closing * depth)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{", b"9" * 5000, b"[1]x"])
def test_what_is_no_json_is_a_value_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(ValueError):  # noqa: PT011 - its words are those of the json module
        read_json(tmp_path / "a.json")


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.json")
    with pytest.raises(ValueError, match="not a regular file"):
        read_json(tmp_path / "a.json")
