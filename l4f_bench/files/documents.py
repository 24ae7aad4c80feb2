"""JSON documents that name their own format, as records of edits, analyses and projections do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar

from l4f_bench.errors import InputError

T = TypeVar("T")

EXACT_FIELDS: dict[str, Any] = {"extra": "forbid"}
"""For pydantic, as ``__pydantic_config__``: documents with other fields are refused."""

_MOST_FAULTS = 3


def read_document(path: Path, *, form: str, version: int, otherwise: str) -> dict[str, Any]:
    """A document without the ``format`` and ``version`` that it names.

    Args:
        path: The file.
        form: The format that it must name.
        version: The version of it.
        otherwise: What the message says of a file that names no format or another: what it is not,
            and what to give instead.

    Raises:
        InputError: The file cannot be read, or names another format or version.
    """
    from pydantic_core import from_json

    try:
        content = from_json(path.read_bytes(), allow_inf_nan=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a record: {error}.") from None
    if not isinstance(content, dict) or content.pop("format", None) != form:
        raise InputError(f"{path} is {otherwise}")
    found = content.pop("version", None)
    if found != version:
        raise InputError(f"{path} has version {found!r:.40}; this release reads {version}.")
    return content


def validated(path: Path, content: dict[str, Any], kind: type[T], *, again: str) -> T:
    """What a document holds as a dataclass.

    Args:
        path: The file, for the message.
        content: As :func:`read_document` gives it.
        kind: The dataclass.
        again: How to make such a file, as a sentence.

    Raises:
        InputError: Fields are missing, unknown or of another kind.
    """
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(content))
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors()[:_MOST_FAULTS]
        )
        raise InputError(
            f"{path} lacks fields of a record or has others: {' '.join(faults.split())}. {again}"
        ) from None
