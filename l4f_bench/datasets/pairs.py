"""Which files of two folders belong together."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from l4f_bench.datasets.formats import EXTENSIONS
from l4f_bench.datasets.listing import Listing, list_folder
from l4f_bench.errors import InputError

_NUM_NAMED = 6


@dataclass(frozen=True, slots=True)
class Pairs:
    """Files of two folders that belong together."""

    matched: list[tuple[Path, Path]]
    """In natural order of the first files."""
    by_order: bool
    """The names differ: what they have in common and their order decided."""


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key of a file's name under which ``Car2`` comes before ``Car10``."""
    parts = re.split(r"(\d+)", _stem(name).lower())
    key = [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts if p]
    return [*key, (2, 0, name)]


def list_images(folder: Path) -> Listing:
    """Image files of a folder and its sub-folders in natural order; hidden ones are passed over.

    Raises:
        InputError: There is no such folder, it cannot be read, or it holds no image.
    """
    found = list_folder(folder)
    if not found.paths:
        raise InputError(
            f"The folder {folder} holds no images (files ending in {', '.join(EXTENSIONS)})."
        )
    found.paths.sort(key=lambda path: natural_key(found.name(path)))
    return found


def pair_files(first: Listing, second: Listing) -> Pairs:
    """Pair the files of two folders by their names below them, without ending.

    Names are compared in Unicode's normal form C and without leading zeros. Where they differ,
    files pair if what all names of a folder begin and end with is the only difference (``a_pred``,
    ``b_pred`` with ``a``, ``b``), or by natural order if the numbers in the names differ by one
    constant (``0``, ``1`` with ``Car1``, ``Car2``). A single file pairs with a single one.

    Args:
        first: Files of one folder, in natural order.
        second: Files of the other.

    Raises:
        InputError: Files are left unpaired; the message names them.
    """
    files, others = _by_name(first), _by_name(second)
    names, other_names = list(files), list(others)
    equal = _matched(names, other_names, _without_zeros) | _matched(names, other_names, list)
    if len(equal) == len(names) == len(other_names):
        return Pairs([(path, others[equal[name]]) for name, path in files.items()], False)
    alike = _matched(names, other_names, _cores)
    for partner in (alike, _by_offset(names, other_names)):
        is_whole = len(partner) == len(names) == len(other_names)
        if is_whole and partner.items() >= equal.items():
            return Pairs([(path, others[partner[name]]) for name, path in files.items()], True)
    partner = max(equal, alike, key=len)
    alone = [f"{first.folder.name}/{first.name(files[n])}" for n in names if n not in partner]
    taken = {*partner.values()}
    alone += [
        f"{second.folder.name}/{second.name(others[n])}" for n in other_names if n not in taken
    ]
    more = f" and {len(alone) - _NUM_NAMED} more" if len(alone) > _NUM_NAMED else ""
    raise InputError(
        f"{len(names)} files in {first.folder} and {len(other_names)} in {second.folder} do not "
        f"pair up; without partner: {', '.join(alone[:_NUM_NAMED])}{more}. Add or remove files, or "
        "rename them."
    )


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))


def _by_name(listing: Listing) -> dict[str, Path]:
    """Files by the names that are compared."""
    found: dict[str, Path] = {}
    for path in listing.paths:
        name = unicodedata.normalize("NFC", _stem(listing.name(path)))
        if name in found:
            raise InputError(f"{found[name]} and {path} have the same stem. Keep one of the two.")
        found[name] = path
    return found


def _matched(
    names: list[str], others: list[str], form: Callable[[list[str]], list[str]]
) -> dict[str, str]:
    """Names that are equal in a form which no other name of their folder has."""
    forms, other_forms = form(names), form(others)
    uses, other_uses = Counter(forms), Counter(other_forms)
    of_form = dict(zip(other_forms, others, strict=True))
    return {
        name: of_form[form]
        for name, form in zip(names, forms, strict=True)
        if uses[form] == other_uses[form] == 1
    }


def _without_zeros(names: list[str]) -> list[str]:
    return [re.sub(r"(?<!\d)0+(?=\d)", "", name) for name in names]


def _cores(names: list[str]) -> list[str]:
    """Names without what all of them begin and end with, numbers left whole."""
    shown = _without_zeros(names)
    start = len(re.sub(r"\d+$", "", _common_start(shown)))
    rests = [name[start:] for name in shown]
    end = _common_start([name[::-1] for name in rests])[::-1]
    num_ending = len(re.sub(r"^\d+", "", end))
    return [name[: len(name) - num_ending] for name in rests]


def _common_start(names: list[str]) -> str:
    first, last = min(names), max(names)
    equal = (a == b for a, b in zip(first, last, strict=False))
    return first[: next((place for place, same in enumerate(equal) if not same), len(first))]


def _by_offset(names: list[str], others: list[str]) -> dict[str, str]:
    """Names by order, if their numbers tell them apart and differ by one constant; else none."""
    if len(names) != len(others):
        return {}
    numbers, other_numbers = _varying_numbers(names), _varying_numbers(others)
    if len(names) > 1 and not (_are_unique(numbers) and _are_unique(other_numbers)):
        return {}
    differences = set()
    for own, other in zip(numbers, other_numbers, strict=True):
        if len(own) != len(other):
            return {}
        differences.add(tuple(b - a for a, b in zip(own, other, strict=True)))
    is_constant = len(differences) == 1 or not any(map(any, differences))
    return dict(zip(names, others, strict=True)) if is_constant else {}


def _varying_numbers(names: list[str]) -> list[tuple[int, ...]]:
    """The numbers in each name, without those that are the same in all."""
    numbers = [tuple(map(int, re.findall(r"\d+", name))) for name in names]
    if len(set(map(len, numbers))) != 1:
        return numbers
    kept = [column for column in zip(*numbers, strict=True) if len(set(column)) > 1]
    return list(zip(*kept, strict=True)) or [()] * len(names)


def _are_unique(numbers: list[tuple[int, ...]]) -> bool:
    return len(set(numbers)) == len(numbers)
