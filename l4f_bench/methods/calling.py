"""How the function that gives a method is called: the one place that decides it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l4f_bench.errors import InputError
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import capitalised, code_of_others

_CHECKPOINT = ("path", "weights")
"""What a function may call the path of the checkpoint."""


def call_load(
    load: Any,
    what: str,
    *,
    weights: Path | None,
    dataset: str,
    device: str | None,
    options: Mapping[str, object],
) -> tuple[Any, dict[str, str]]:
    """The method that a function gives, called with those of the arguments that it takes.

    Args:
        load: May take, by keyword, ``path`` or ``weights``, ``dataset``, ``device`` and what
            ``options`` hold. It returns the method, or a pair of it and a dictionary of digests.
        what: Whose function it is, as messages call it.
        weights: The checkpoint, None for the usual one; it must be taken if it is given.
        dataset: Key of the data set, or what somebody calls images of their own.
        device: Name of the device; None for the best.
        options: Further arguments by name.

    Returns:
        The method, and the SHA-256 of files by what they are: those that the function tells, else
        that of the checkpoint that was given.

    Raises:
        InputError: It has no use for a checkpoint, needs another argument, fails, or returns
            nothing that can sample or segment.
    """
    given = {**dict.fromkeys(_CHECKPOINT, weights), "dataset": dataset, "device": device, **options}
    taken, needed = _parameters(load, what)
    strange = [name for name in needed if name not in given]
    if strange:
        raise InputError(
            f"{capitalised(what)} asks for '{strange[0]}', which nobody gives it. Its function may "
            f"take {', '.join(given)}."
        )
    if weights is not None and not taken & {*_CHECKPOINT}:
        raise InputError(
            f"{capitalised(what)} takes no checkpoint: its function has no argument "
            f"{' or '.join(_CHECKPOINT)}. Leave out {weights}."
        )
    with code_of_others(what):
        returned = load(**{name: value for name, value in given.items() if name in taken})
    method, digests = returned if _is_pair(returned) else (returned, _digest(weights))
    if not any(callable(getattr(method, name, None)) for name in ("sample", "segment")):
        raise InputError(
            f"{capitalised(what)} can neither sample nor segment: its function returns "
            f"{_kind(returned)}, where a method, or a method and a dictionary of digests, is due."
        )
    return method, digests


def _parameters(load: Any, what: str) -> tuple[set[str], list[str]]:
    """Names of the arguments that a function takes, and of those that it needs."""
    try:
        parameters = inspect.signature(load).parameters.values()
    except (TypeError, ValueError):
        raise InputError(
            f"{capitalised(what)} has no function that says which arguments it takes."
        ) from None
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return {p.name for p in named}, [p.name for p in named if p.default is p.empty]


def _is_pair(returned: Any) -> bool:
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], dict)):
        return False
    return all(isinstance(text, str) for item in returned[1].items() for text in item)


def _digest(weights: Path | None) -> dict[str, str]:
    return {"weights": sha256_of(weights)} if weights is not None and weights.is_file() else {}


def _kind(returned: Any) -> str:
    if isinstance(returned, tuple):
        return f"({', '.join(type(part).__name__ for part in returned)})"
    return type(returned).__name__
