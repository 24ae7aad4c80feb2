"""What is known about one public file, and under which terms it may be used."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Licence:
    """Terms of use; those that forbid commercial use must be accepted once before a fetch."""

    name: str
    """The terms in a few words; acceptance is remembered under it."""
    url: str | None
    """Where the full text stands; None if the publisher states none."""
    non_commercial: bool = False
    """Whether commercial use is forbidden."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WeightSpec:
    """Everything known about one file of weights.

    What could not be verified is None; it is never guessed.
    """

    name: str
    """Key on the command line."""
    title: str
    """What it is, in a line."""
    file_name: str
    """Name in the cache and in a mirror."""
    urls: tuple[str, ...]
    """Direct downloads of the same bytes, in order of preference."""
    licence: Licence
    """Terms of use."""
    num_bytes: int | None = None
    """Size of the file."""
    sha256: str | None = None
    """Hexadecimal SHA-256, or the leading digits that the publisher states."""
    md5_prefix: str | None = None
    """Leading hexadecimal digits of the MD5, where the publisher states only those."""
    source: str
    """Page that publishes it."""
    used_for: str
    """What the benchmark does with it."""
    datasets: tuple[str, ...] = ()
    """Data sets whose experiments need it."""
    alternative_to: str | None = None
    """Name of the entry that this one can stand in for."""

    def __post_init__(self) -> None:
        """Refuse half-described entries."""
        assert self.urls, self.name
        for digits in (self.sha256, self.md5_prefix):
            assert digits is None or re.fullmatch("[0-9a-f]{6,64}", digits), self.name


def google_drive_url(file_id: str) -> str:
    """Direct download of a public Google Drive file, without the virus-scan page between."""
    return f"https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t"
