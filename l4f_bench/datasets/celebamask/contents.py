"""Which images and part files a folder holds, by their names alone: no file is opened."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from l4f_bench.datasets.celebamask.faults import Fault, Finding
from l4f_bench.datasets.celebamask.parts import PARTS
from l4f_bench.datasets.formats import COMPANIONS, EXTENSIONS
from l4f_bench.errors import InputError

IMAGES, MASKS = "CelebA-HQ-img", "CelebAMask-HQ-mask-anno"
PER_FOLDER = 2000
"""Ids whose parts lie in one folder."""

_IMAGE = re.compile(r"(0|[1-9][0-9]{0,8})\.[a-z]+", re.IGNORECASE)
_PART = re.compile(r"([0-9]{1,9})_(.*)", re.DOTALL)
_PLACES = {part: place for place, part in enumerate(PARTS)}


@dataclass(slots=True)
class Contents:
    """What a folder holds. It takes a few numbers an image, however many parts there are."""

    data: Path
    images: dict[int, str] = field(default_factory=dict)
    """Names of the images' files by their ids, in ascending order."""
    parts: dict[int, int] = field(default_factory=dict)
    """Part files by the image's id, a bit for each place in ``PARTS``."""
    findings: list[Finding] = field(default_factory=list)
    spoiled: dict[int, Fault] = field(default_factory=dict)
    """Why images are left out, by their ids."""

    def image_path(self, number: int) -> Path:
        """The image of an id."""
        return self.data / IMAGES / self.images[number]

    def part_name(self, number: int, part: str) -> str:
        """A part file below the folder of masks."""
        return f"{number // PER_FOLDER}/{number:05d}_{part}.png"

    def part_path(self, number: int, part: str) -> Path:
        """A part file."""
        return self.data / MASKS / self.part_name(number, part)

    def parts_of(self, number: int) -> list[str]:
        """The parts of an image that have a file, in the order in which they are painted."""
        bits = self.parts.get(number, 0)
        return [part for part, place in _PLACES.items() if bits >> place & 1]

    def note(self, fault: Fault, number: int | None, name: str) -> None:
        """Keep a fault, and its image out if it is one that spoils images."""
        self.findings.append(Finding(fault, number, name))
        if fault.reason is not None and number is not None:
            self.spoiled.setdefault(number, fault)


def list_contents(data: Path) -> Contents:
    """List a folder of CelebAMask-HQ.

    Hidden files, and texts beside images and parts, are passed over.

    Raises:
        InputError: A folder cannot be read.
    """
    found = Contents(data)
    for entry in _entries(data / IMAGES):
        _take_image(found, entry)
    found.images = dict(sorted(found.images.items()))
    for entry in _entries(data / MASKS):
        if _is(entry, folder=True):
            for part in _entries(Path(entry)):
                _take_part(found, entry.name, part)
        else:
            _take_part(found, "", entry)
    for number in found.images.keys() - found.parts.keys() - found.spoiled.keys():
        found.note(Fault.NO_PARTS, number, str(number))
    for number in (found.parts.keys() | found.spoiled.keys()) - found.images.keys():
        found.note(Fault.NO_IMAGE, number, str(number))
    return found


def _take_image(found: Contents, entry: os.DirEntry[str]) -> None:
    named = _IMAGE.fullmatch(entry.name)
    if named is None or not entry.name.lower().endswith(EXTENSIONS):
        found.note(Fault.STRANGE_IMAGE, None, entry.name)
        return
    number = int(named[1])
    if not _is(entry):
        found.note(Fault.NO_IMAGE_FILE, number, entry.name)
    elif number in found.images:
        first, second = sorted((found.images[number], entry.name))
        found.images[number] = first
        found.note(Fault.DOUBLED_IMAGE, number, second)
    else:
        found.images[number] = entry.name


def _take_part(found: Contents, folder: str, entry: os.DirEntry[str]) -> None:
    name = f"{folder}/{entry.name}" if folder else entry.name
    named = _PART.fullmatch(entry.name)
    if named is None:
        found.note(Fault.MISNAMED, None, name)
        return
    number, part = int(named[1]), named[2].rpartition(".")[0]
    if entry.name != f"{number:05d}_{part}.png":
        found.note(Fault.MISNAMED, number, name)
    elif part not in _PLACES:
        found.note(Fault.UNKNOWN, number, name)
    elif folder != str(number // PER_FOLDER):
        found.note(Fault.MISPLACED, number, name)
    elif not _is(entry):
        found.note(Fault.NO_FILE, number, name)
    else:
        found.parts[number] = found.parts.get(number, 0) | 1 << _PLACES[part]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """What lies in a folder, hidden files and texts left out, in no order."""
    try:
        with os.scandir(folder) as entries:
            return [
                entry
                for entry in entries
                if not entry.name.startswith(".") and not entry.name.lower().endswith(COMPANIONS)
            ]
    except OSError as error:
        raise InputError(f"Cannot read the folder {folder}: {error.strerror}.") from None


def _is(entry: os.DirEntry[str], *, folder: bool = False) -> bool:
    """Whether an entry is a file, or a folder, at the end of a link as well."""
    try:
        return entry.is_dir() if folder else entry.is_file()
    except OSError:  # a link that leads to itself
        return False
