"""Settings given by name on top of a preset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

Config = TypeVar("Config")

_MOST_DIGITS = 30
_TRUTH = {"true": True, "false": False}
_KINDS = {
    "bool": "true or false",
    "int": f"a whole number of at most {_MOST_DIGITS} digits",
    "float": "a number",
    "tuple": "whole numbers with commas between them",
}


def with_settings(config: Config, texts: Sequence[str]) -> Config:
    """A configuration with some of its settings replaced.

    Args:
        config: A frozen dataclass, the preset.
        texts: ``NAME=VALUE``, which take the type that the setting is declared with.

    Raises:
        InputError: A name is unknown (the nearest is given), a value cannot be read, or the
            configuration refuses it.
    """
    values = {}
    known = {field.name: _kind_of(field.type) for field in fields(config)}  # type: ignore[arg-type]
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InputError(f"--set {text!r:.60} has no value. Write NAME=VALUE.")
        if name not in known:
            raise InputError(unknown_name("setting", name, list(known)))
        values[name] = _read(name, value, known[name])
    return replace(config, **values)  # type: ignore[type-var]


def _kind_of(declared: Any) -> str:
    """One of :data:`_KINDS`, or ``str`` for everything else."""
    name = declared if isinstance(declared, str) else declared.__name__
    kind = name.partition("[")[0]
    return kind if kind in _KINDS else "str"


def _read(name: str, text: str, kind: str) -> Any:
    try:
        if kind == "bool":
            return _TRUTH[text.lower()]
        if kind == "int":
            return _whole(text)
        if kind == "float":
            return float(text)
        if kind == "tuple":
            return tuple(_whole(part) for part in text.split(","))
    except (KeyError, ValueError):
        raise InputError(f"--set {name}: {text!r:.60} is not {_KINDS[kind]}.") from None
    return text


def _whole(text: str) -> int:
    """The number that a text says; a ValueError if it says none, or one that nothing can hold."""
    number = int(text)
    if abs(number) >= 10**_MOST_DIGITS:
        raise ValueError
    return number
