"""Which split of CelebA an image belongs to, by the name of the file that it was made from.

``CelebA-HQ-to-CelebA-mapping.txt`` has a header and three columns: id, index of the original from
zero on, and its file, numbered from one on. CelebA's ``list_eval_partition.txt`` goes by these
files (``182638.jpg 2``). Where the index is taken instead, images on the border change their split.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

from l4f_bench.datasets.celebamask.contents import Contents
from l4f_bench.datasets.celebamask.faults import Fault
from l4f_bench.datasets.celebamask.parts import SPLITS
from l4f_bench.datasets.decoding import UnreadableError, opened

MAPPING, PARTITION = "CelebA-HQ-to-CelebA-mapping.txt", "list_eval_partition.txt"

_MOST_BYTES = 16 << 20  # the published files have 1 and 3 million
_MOST_MALFORMED = 1000  # lines after which a file is taken for another one
_HEADER = ["idx", "orig_idx", "orig_file"]
_ORIGINAL = re.compile(r"([0-9]{1,9})\s+([0-9]{1,9})\s+([0-9]{1,9})\.jpg")
_PART_OF = re.compile(r"([0-9]{1,9})\.jpg\s+([012])")

_Lines = Iterator[tuple[str, re.Match[str]]]


def read_splits(contents: Contents) -> dict[int, str]:
    """The splits by id, of images that are not there, too; faults of the two files are noted."""
    originals = _originals(contents)
    partition = _partition(contents)
    for number in originals.keys() - contents.images.keys():
        contents.note(Fault.LINE_WITHOUT_IMAGE, number, str(number))
    splits = {
        number: partition[original]
        for number, original in originals.items()
        if original in partition
    }
    if originals and partition:
        for number in contents.images.keys() - splits.keys():
            contents.note(Fault.NO_SPLIT, None, str(number))  # it might be of any
    return splits


def _originals(contents: Contents) -> dict[int, int]:
    """Numbers of the originals' files by the images' ids."""

    def entries() -> Iterator[tuple[str, int, int]]:
        originals = set[int]()
        for place, line in _lines(contents, MAPPING, _ORIGINAL):
            number, index, original = (int(word) for word in line.groups())
            if original != index + 1:
                contents.note(Fault.OTHER_INDEX, number, place)
            if original in originals and number not in found:
                contents.note(Fault.DOUBLED_LINE, number, place)
            originals.add(original)
            yield place, number, original

    found: dict[int, int] = {}
    _take(contents, entries(), found)
    return found


def _partition(contents: Contents) -> dict[int, str]:
    """Splits by the numbers of the originals' files."""
    found: dict[int, str] = {}
    lines = _lines(contents, PARTITION, _PART_OF)
    entries = ((place, int(line[1]), SPLITS[int(line[2])]) for place, line in lines)
    _take(contents, entries, found)
    return found


_Value = TypeVar("_Value", int, str)


def _take(
    contents: Contents, entries: Iterable[tuple[str, int, _Value]], found: dict[int, _Value]
) -> None:
    """Fill ``found`` with values by number, without those of which lines say two things."""
    contradicted = set[int]()
    for place, number, value in entries:
        if number in found:
            contents.note(Fault.DOUBLED_LINE, None, place)
            if found[number] != value:
                contradicted.add(number)
        else:
            found[number] = value
    for number in contradicted:
        del found[number]


def _lines(contents: Contents, name: str, form: re.Pattern[str]) -> _Lines:
    """The lines of a file that have a form, each with its place, as ``list.txt:7``."""
    num_malformed = 0
    for number, line in enumerate(_text(contents, name).split("\n"), start=1):
        words = line.split()
        if not words or (number == 1 and words == _HEADER):
            continue
        place, fits = f"{name}:{number}", form.fullmatch(line.strip())
        if fits is not None:
            yield place, fits
            continue
        contents.note(Fault.MALFORMED_LINE, None, place)
        num_malformed += 1
        if num_malformed == _MOST_MALFORMED:
            contents.note(Fault.NO_TEXT, None, name)
            return


def _text(contents: Contents, name: str) -> str:
    """A file's text, nothing where there is none to be read."""
    try:
        with opened(contents.data / name) as stream:
            content = stream.read(_MOST_BYTES + 1)
    except (UnreadableError, OSError):
        content = b""
    if not content or len(content) > _MOST_BYTES:
        contents.note(Fault.NO_TEXT, None, name)
        return ""
    return content.decode("utf-8-sig", errors="replace")
