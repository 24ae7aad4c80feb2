"""A named collection of entries that refuses duplicates and answers typos with the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any, Generic, Protocol, TypeVar

from l4f_bench.errors import InputError


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """The key of the entry, as typed on the command line."""


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Entries of one kind by name, in the order they were added."""

    def __init__(self, kind: str) -> None:
        """Start empty; ``kind`` is the word used in messages ("dataset", "protocol")."""
        self._kind = kind
        self._entries: dict[str, T] = {}

    def add(self, entry: T) -> T:
        """Add ``entry`` under its name and return it.

        Raises:
            ValueError: The name is taken.
        """
        if entry.name in self._entries:
            raise ValueError(f"The {self._kind} '{entry.name}' is registered twice.")
        self._entries[entry.name] = entry
        return entry

    def get(self, name: str) -> T:
        """Return the entry called ``name``.

        Raises:
            InputError: No entry has that name; the message gives the nearest and all known ones.
        """
        if name not in self._entries:
            raise InputError(unknown_name(self._kind, name, self.names()))
        return self._entries[name]

    def names(self) -> list[str]:
        """All names, in order of registration."""
        return list(self._entries)

    def __iter__(self) -> Iterator[T]:
        return iter(self._entries.values())


def installed_names(group: str) -> list[str]:
    """What installed packages offer in an entry-point group, without importing them."""
    return sorted(entry_points(group=group).names)


def installed(group: str, name: str) -> Any:
    """What an installed package offers under ``name`` in an entry-point group.

    Raises:
        KeyError: No package offers it.
    """
    return entry_points(group=group)[name].load()


def unknown_name(kind: str, name: str, known: list[str]) -> str:
    """One line that says ``name`` is unknown, which known one is nearest, and what is known."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown {kind} '{name}'.{hint} Known: {', '.join(known)}."
