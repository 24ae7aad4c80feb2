"""Whether what a file holds is a record: every field of its type, and fit for the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.counts import COUNT_NAMES, NUM_LEVELS
from l4f_bench.metrics.scores import TABLE_METRICS

_MOST_PIXELS = 1 << 40
"""Of an image; a million images of so many can still be counted."""


@cache
def _checker() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def checked(content: Mapping[str, Any]) -> Record:
    """A record of the current version whose fields all have their types.

    Raises:
        ValueError: One has not; the first few are named.
    """
    from pydantic import ValidationError

    try:
        record: Record = _checker().validate_json(json.dumps(content))
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:3]
        ]
        raise ValueError("; ".join(faults)) from None
    _check_sense(record)
    return record


def _check_sense(record: Record) -> None:
    """Raise unless the fields of a record fit each other, as tables take for granted.

    Raises:
        ValueError: They do not.
    """
    if record.images and len(record.images) != record.n:
        raise ValueError(f"n is {record.n}, but it holds {len(record.images)} images")
    if any(
        not 0 <= getattr(entry, name) <= _MOST_PIXELS
        for entry in record.images
        for name in COUNT_NAMES
    ):
        raise ValueError("images have counts that no image has")
    if record.levels is not None and not _are_levels(record.levels):
        raise ValueError("levels are not numbers of pixels at 256 levels on both classes")
    if (record.protocol is None) == (record.distance is None):
        raise ValueError("it must have either a protocol or a distance")
    needed = TABLE_METRICS if record.distance is None else (record.distance.key,)
    for name in ("scores", "scores_without_bars"):
        scores = getattr(record, name)
        missing = [key for key in needed if key not in scores]
        if missing and (scores or name == "scores"):
            raise ValueError(f"{name} lacks {', '.join(missing)}")


def _are_levels(levels: list[list[int]]) -> bool:
    sizes = [len(row) for row in levels]
    return sizes == [NUM_LEVELS] * 2 and all(
        0 <= number <= _MOST_PIXELS for row in levels for number in row
    )
