"""What can be wrong with a folder of CelebAMask-HQ, and how it is told: by name and count."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from threading import Lock

from l4f_bench.escapes import printable

_NUM_NAMED = 6
_OUT = "their images are left out"
_PASSED = "and are passed over"


class Fault(Enum):
    """A kind of fault: why its images are left out, if they are, and what follows on "3 …"."""

    NO_TEXT = None, "files that tell the splits cannot be read"
    MALFORMED_LINE = None, f"lines of text are malformed {_PASSED}"
    DOUBLED_LINE = None, "lines repeat an id or file; where they contradict, it is in no split"
    OTHER_INDEX = None, "lines name an original whose index is not its number less one: names count"
    LINE_WITHOUT_IMAGE = None, "lines of the mapping have no image"
    NO_SPLIT = None, "images are in no split"
    STRANGE_IMAGE = None, f"files among the images are not named {{id}}.jpg {_PASSED}"
    DOUBLED_IMAGE = None, f"files have the id of another image {_PASSED}"
    NO_IMAGE_FILE = None, f"images are folders, pipes or links to nothing {_PASSED}"
    NO_IMAGE = None, "ids have part files and no image"
    NO_PARTS = "no-parts", "images have no part file and are left out"
    MISPLACED = "misplaced-part", f"part files are not in the folder id // 2000; {_OUT}"
    MISNAMED = (
        "misnamed-part",
        f"files among the parts are not named {{id:05d}}_{{part}}.png; {_OUT}",
    )
    UNKNOWN = "unknown-part", f"part files are of no known part; {_OUT}"
    NO_FILE = "no-file", f"part files are folders, pipes or links to nothing; {_OUT}"
    DAMAGED = "damaged-part", f"part files are empty, damaged or no image; {_OUT}"
    OTHER_SIZE = "other-size", f"part files differ in size or are of another shape; {_OUT}"
    BLANK = "blank", "images have part files in which nothing is marked and are left out"
    BLANK_PART = None, "part files are black all over, so that their part counts as absent"
    OTHER_SCALE = None, "images are not twice as large as their parts, which are resized to them"
    NOT_RGB = None, "part files are not RGB and are read by their grey levels"
    SOFT = None, "part files have levels beside black and white and are cut at --level"
    KNOWN_BAD = None, "images are known to be badly annotated or cut, and are kept"
    TWICE = None, "pairs of images are known to show the same photograph, and are kept"

    def __init__(self, reason: str | None, sentence: str) -> None:
        self.reason, self.sentence = reason, sentence

    @property
    def is_note(self) -> bool:
        """Whether it is as published, or of no consequence."""
        return self in (Fault.NOT_RGB, Fault.SOFT, Fault.KNOWN_BAD, Fault.TWICE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault that names of files or lines of text show."""

    fault: Fault
    id: int | None
    """The image that it is about, where that can be told."""
    name: str
    """File, line or id."""


@dataclass(slots=True)
class Tally:
    """How many faults of each kind there are, and their first names. Threads may share it."""

    found: dict[Fault, tuple[int, list[str]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, fault: Fault, names: Iterable[str]) -> None:
        """Count one for each name."""
        given = [printable(name) for name in names]
        if given:
            self.count(fault, len(given), given)

    def count(self, fault: Fault, number: int, names: list[str]) -> None:
        """Count ``number`` faults, ``names`` being the first of theirs."""
        with self._lock:
            before, first = self.found.get(fault, (0, []))
            named = heapq.nsmallest(_NUM_NAMED, [*first, *names], key=_natural)
            self.found[fault] = before + number, named

    def sentences(self, *, notes: bool) -> list[str]:
        """What is to be said of the faults, or of what is none."""
        return [
            _sentence(fault, *self.found[fault])
            for fault in Fault
            if fault in self.found and fault.is_note == notes
        ]


def _sentence(fault: Fault, number: int, names: list[str]) -> str:
    more = ", …" if number > len(names) else ""
    return f"{number} {fault.sentence} ({', '.join(names)}{more})."


def _natural(name: str) -> tuple[int, str]:
    return len(name), name
