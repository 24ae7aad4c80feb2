"""Named collections of entries, ours and those of installed packages.

A registry lists names without importing what they stand for. Code that is heavy is named in an
entry as ``"module:object"`` and imported by :func:`load_object` when it is used.
"""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, Protocol, TypeVar

from l4f_bench.errors import BenchError, InputError, MissingDependencyError, is_out_of_memory

OURS = "l4f-bench"
"""The package that our own entries come from."""


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """The key of the entry, as typed on the command line."""


T = TypeVar("T", bound=Named)


class Registry(Generic[T]):
    """Entries of one kind by name: ours in the order they were added, then other packages'.

    A name that cannot be found is answered with the nearest one and the full list.
    """

    def __init__(
        self,
        kind: str,
        *,
        group: str | None = None,
        adopt: Callable[[str, Any, str], T] | None = None,
    ) -> None:
        """Start without entries of our own.

        Args:
            kind: The word used in messages ("data set", "protocol").
            group: Entry-point group in which installed packages offer entries of this kind.
            adopt: Makes an entry of what an entry point names, given its name, the object and
                ``"module:object"``; None if entry points name entries.
        """
        self._kind, self._group, self._adopt = kind, group, adopt
        self._entries: dict[str, T] = {}
        self._adopted: dict[str, T] = {}

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
            InputError: No entry has that name (the message gives the nearest and all known ones),
                or several packages offer it.
            MissingDependencyError: A package offers it and cannot be imported.
        """
        points = [point for point in self._points() if point.name == name]
        takers = [_package(point) for point in points]
        if name in self._entries:
            takers.insert(0, OURS)
        if len(takers) > 1:
            raise InputError(
                f"The {self._kind} '{name}' is offered by {' and by '.join(takers)}. "
                "Uninstall one, or rename its entry point."
            )
        if name in self._entries:
            return self._entries[name]
        if not points:
            raise InputError(unknown_name(self._kind, name, self.names()))
        if name not in self._adopted:
            self._adopted[name] = self._entry_of(points[0])
        return self._adopted[name]

    def names(self) -> list[str]:
        """All names, without importing what they stand for; those of other packages last."""
        others = {point.name for point in self._points()} - self._entries.keys()
        return [*self._entries, *sorted(others)]

    def origin(self, name: str) -> str:
        """The package that offers the entry called ``name``."""
        packages = [_package(point) for point in self._points() if point.name == name]
        return packages[0] if packages else OURS

    def is_ours(self, name: str) -> bool:
        """Whether this package offers it, so that the answer is the same on every machine."""
        return name in self.names() and self.origin(name) == OURS

    def order(self, name: str) -> int:
        """Place of a name among ours; those of others come last, installed here or not."""
        ours = [known for known in self.names() if self.is_ours(known)]
        return ours.index(name) if name in ours else len(ours)

    def __contains__(self, name: object) -> bool:
        return name in self.names()

    def __iter__(self) -> Iterator[T]:
        """Every entry that can be had; a broken one is trouble of those who ask for it alone."""
        for name in self.names():
            try:
                entry = self.get(name)
            except BenchError:
                continue
            yield entry

    def _points(self) -> list[EntryPoint]:
        if self._group is None:
            return []
        return _offered(self._group, tuple(sys.path))

    def _entry_of(self, point: EntryPoint) -> T:
        found = load_object(point.value, f"the {self._kind} '{point.name}' of {_package(point)}")
        entry: T = found if self._adopt is None else self._adopt(point.name, found, point.value)
        if getattr(entry, "name", None) != point.name:
            raise InputError(
                f"The entry point '{point.name}' of {_package(point)} names {point.value}, which "
                f"is no {self._kind} of that name."
            )
        return entry


@cache
def _offered(group: str, path: tuple[str, ...]) -> list[EntryPoint]:
    """Entry points of the packages on a path; a command asks dozens of times."""
    # A package that is installed twice, as an editable checkout can be, offers the same twice.
    return list(dict.fromkeys(entry_points(group=group)))


def load_object(reference: str, what: str) -> Any:
    """The object that ``"module:object"`` names, importing its module.

    Args:
        reference: Where it is.
        what: What it is called in messages.

    Raises:
        MissingDependencyError: The module cannot be imported, or has no such object.
    """
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except Exception as error:  # code of others fails with anything
        raise MissingDependencyError(
            f"{capitalised(what)} cannot be imported from {reference} ({_reason(error)}). "
            "Install what it needs, or mend it."
        ) from error


@contextmanager
def code_of_others(what: str) -> Iterator[None]:
    """Say in one line whose code failed, if the block raises anything.

    What it says itself (a :class:`BenchError`) and a lack of memory go through as they are.

    Args:
        what: What is run, as messages call it.

    Raises:
        MissingDependencyError: Something is not installed.
        InputError: Anything else was raised.
    """
    try:
        yield
    except BenchError:
        raise
    except ImportError as error:
        raise MissingDependencyError(
            f"{capitalised(what)} cannot be used ({_reason(error)}). Install what it needs."
        ) from error
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise InputError(
            f"{capitalised(what)} failed ({_reason(error)}). `l4f-bench --debug` followed by the "
            "same command shows where."
        ) from error


def capitalised(what: str) -> str:
    """Words as they begin a sentence."""
    return what[:1].upper() + what[1:]


def unknown_name(kind: str, name: str, known: list[str]) -> str:
    """One line that says ``name`` is unknown, which known one is nearest, and what is known."""
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"Unknown {kind} '{name}'.{hint} Known: {', '.join(known)}."


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _package(point: EntryPoint) -> str:
    return "another package" if point.dist is None else point.dist.name
