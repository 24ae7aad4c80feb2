"""JSON documents that name their own format, as records of edits and analyses do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from l4f_bench.errors import InputError


def read_document(path: Path, *, form: str, otherwise: str) -> dict[str, Any]:
    """A document without the ``format`` that it names.

    Args:
        path: The file.
        form: The format that it must name.
        otherwise: What the message says of a file that names none or another: what it is not, and
            what to give instead.

    Raises:
        InputError: The file cannot be read, or names another format.
    """
    from pydantic_core import from_json

    try:
        content = from_json(path.read_bytes(), allow_inf_nan=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a record: {error}.") from None
    if not isinstance(content, dict) or content.pop("format", None) != form:
        raise InputError(f"{path} is {otherwise}")
    return content
