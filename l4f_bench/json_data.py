"""JSON that anybody may have written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_MAX_DEPTH = 64  # our own documents need less than ten


def parse_json(text: str | bytes) -> Any:
    """The value that ``text`` stands for.

    Raises:
        ValueError: It is no JSON, or nested deeper than any of our documents, so that comparing or
            printing the value could exhaust the stack.
    """
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [part for whole in level for part in _parts(whole)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def read_json(path: Path) -> Any:
    """The value in a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: As for :func:`parse_json`, or it is no regular file and could block for ever.
    """
    if path.exists() and not path.is_file():
        raise ValueError("not a regular file")
    return parse_json(path.read_bytes())


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
