"""JSON documents that name their own format, as records of edits, analyses and projections do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from l4f_bench.errors import InputError
from l4f_bench.escapes import printable
from l4f_bench.runs import write_text

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")

EXACT_FIELDS: dict[str, Any] = {"extra": "forbid"}
"""For pydantic, as ``__pydantic_config__``: documents with other fields are refused."""

_MOST_FAULTS = 3


def document_of(
    record: DataclassInstance, *, form: str, version: int, **more: object
) -> dict[str, Any]:
    """A record as JSON data; names of files that are no UTF-8 are escaped.

    Args:
        record: A dataclass.
        form: The format that the document names.
        version: The version of it.
        more: What else stands before the fields.
    """
    document = {"format": form, "version": version, **more, **asdict(record)}
    plain: dict[str, Any] = _printable(json.loads(json.dumps(document)))
    return plain


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a document atomically.

    Raises:
        InputError: The folder cannot be written.
    """
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


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


def _printable(value: Any) -> Any:
    """JSON data whose strings can all be written as UTF-8."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, list) else value
