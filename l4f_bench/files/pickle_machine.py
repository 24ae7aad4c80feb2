"""Stack, marks and memo of a pickle that is read as data, and the records it makes."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from l4f_bench.files.errors import RefusedError

_MAX_NAME_BYTES = 1024

Names = Collection[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Name:
    """A name from the allow-list, ``module.name``; only a word, not the thing it names."""

    path: str


@dataclass(slots=True, eq=False, repr=False)
class Inert:
    """An object that the file wants made by calling ``path`` with ``args``; never made.

    ``state`` is what the file wants set on it, ``items`` what it wants put into it as a dict.
    """

    path: str
    args: tuple[Any, ...]
    state: Any = None
    items: dict[Any, Any] | None = None


@dataclass(slots=True, eq=False, repr=False)
class PersistentId:
    """A reference to something outside the pickle, such as a tensor's storage."""

    value: Any


Record = Inert | PersistentId


class Machine:
    """What the steps of one pickle work on; every length is checked before it is used."""

    def __init__(self, data: memoryview, allowed: Names, start: int) -> None:
        self.data = data
        self.allowed = allowed
        self.position = start
        self.stack: list[Any] = []
        self.outer: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.records: list[Record] = []

    def take(self, length: int) -> memoryview:
        """Next ``length`` bytes of the file, as a view."""
        end = self.position + length
        if end > len(self.data):
            left = len(self.data) - self.position
            raise RefusedError(f"incomplete: {length} bytes announced where {left} are left")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, layout: str) -> int:
        """Next number, in a layout of ``struct``."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def line(self) -> str:
        """Text up to the end of the line."""
        window = bytes(self.data[self.position : self.position + _MAX_NAME_BYTES])
        length = window.find(b"\n")
        if length < 0:
            raise RefusedError("malformed pickle: a name has no end")
        self.position += length + 1
        return window[:length].decode()

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the value on top of the stack."""
        if not self.stack:
            raise RefusedError("malformed pickle: its stack is empty")
        return self.stack.pop()

    def top(self) -> Any:
        """The value on top of the stack, left there."""
        if not self.stack:
            raise RefusedError("malformed pickle: its stack is empty")
        return self.stack[-1]

    def pop_to_mark(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        if not self.outer:
            raise RefusedError("malformed pickle: a mark is missing")
        values, self.stack = self.stack, self.outer.pop()
        return values
