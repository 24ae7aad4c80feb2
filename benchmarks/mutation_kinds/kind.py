"""What a kind of file is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Attempt = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: a valid one, and what is done with a damaged one in its place."""

    source: Path
    attempt: Attempt


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}
