"""Fields of settings as options of commands: each says its help where it is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from l4f_bench.errors import InputError


@dataclass(frozen=True, slots=True)
class Option:
    """What a command says of a field."""

    help: str
    """A phrase."""
    usual: str | None
    """What the default stands for, where it is None or empty."""
    names: tuple[str, ...]
    """What it is called there, if not as the field."""
    parse: Callable[[str], Any] | None


def option(
    help: str,
    default: Any = None,
    *,
    usual: str | None = None,
    names: tuple[str, ...] = (),
    parse: Callable[[str], Any] | None = None,
) -> Any:
    """A field of a setting, which its command offers as an option; see :class:`Option`."""
    return field(default=default, metadata={"option": Option(help, usual, names, parse)})


def whole_or_auto(text: str) -> int | None:
    """A number of images, or None for ``auto``.

    Raises:
        InputError: It is neither ``auto`` nor 1 or more.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--batch-size {text} is out of range: use 1 or more, or auto.")
    return int(text)
