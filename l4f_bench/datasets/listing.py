"""The image files of a folder and its sub-folders, and what else lies there."""

from __future__ import annotations

import os
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR

from l4f_bench.datasets.formats import COMPANIONS, EXTENSIONS
from l4f_bench.errors import InputError
from l4f_bench.escapes import printable

LMDB_FILE = "data.mdb"

_NUM_SHOWN = 4
_LONGEST_ENDING = 12


@dataclass(slots=True)
class Listing:
    """What a folder and its sub-folders hold."""

    folder: Path
    paths: list[Path] = field(default_factory=list)
    """Files with an image's ending, whatever they are, in path order."""
    others: Counter[str] = field(default_factory=Counter)
    """How many other files there are, by their ending; hidden ones do not count."""
    lmdbs: list[Path] = field(default_factory=list)
    """Folders of an LMDB."""
    num_repeated: int = 0
    """Links to folders that are read already, those that lead in circles among them."""

    def name(self, path: Path) -> str:
        """What a file is called below the folder, with ``/`` between the parts."""
        return path.relative_to(self.folder).as_posix()

    @property
    def passed_over(self) -> str | None:
        """A sentence on what might be images and is not read; None without any.

        Texts and tables beside images are no such files.
        """
        kinds = [entry for entry in self.others.most_common() if entry[0] not in COMPANIONS]
        parts = []
        if kinds:
            shown = ", ".join(f"{number} {kind}" for kind, number in kinds[:_NUM_SHOWN])
            parts.append(f"other files ({shown}{', …' if len(kinds) > _NUM_SHOWN else ''})")
        if self.num_repeated:
            parts.append(f"links to folders that are read already ({self.num_repeated})")
        where = printable(str(self.folder))
        return f"Passed over in {where}: {', '.join(parts)}." if parts else None


def list_folder(folder: Path, *, without: Path | None = None) -> Listing:
    """Walk through a folder.

    Links to folders are followed. Every folder is read once, under its own name where it has one
    here. Hidden files and folders are left out.

    Args:
        folder: The folder.
        without: A folder to leave out, wherever it is.

    Raises:
        InputError: There is no such folder, or one of them cannot be read.
    """
    check_folder(folder)
    found, seen = Listing(folder), set[tuple[int, int]]()
    if without is not None:
        with suppress(OSError):  # it need not be there
            seen.add(_identity(without))
    own, linked = [folder], deque[Path]()
    while own or linked:
        is_linked = not own
        parent = own.pop() if own else linked.popleft()
        try:
            identity = _identity(parent)
            if identity in seen:
                found.num_repeated += is_linked
                continue
            seen.add(identity)
            with os.scandir(parent) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            raise InputError(f"Cannot read the folder {parent}: {error.strerror}.") from None
        for entry in sorted(visible, key=lambda entry: entry.name):
            if _is_folder(entry):
                (linked if entry.is_symlink() else own).append(Path(entry))
            else:
                _add(found, Path(entry))
    found.paths.sort()
    return found


def size_in_bytes(path: Path) -> int | None:
    """Size of a file; None where there is none, as at the end of a link to nothing."""
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def check_folder(folder: Path) -> None:
    """Raise unless there is such a folder.

    Raises:
        InputError: There is none, or it is a file.
    """
    try:
        status = folder.stat()
    except FileNotFoundError:
        what = "does not exist"
    except (OSError, ValueError) as error:  # a name that is too long, a link that leads to itself
        what = f"cannot be read ({getattr(error, 'strerror', error)})"
    else:
        if S_ISDIR(status.st_mode):
            return
        what = "is a file"
    raise InputError(f"The folder {folder} {what}. Give a folder of image files.")


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _add(found: Listing, path: Path) -> None:
    ending = path.suffix.lower()
    if ending in EXTENSIONS:
        found.paths.append(path)
        return
    if path.name == LMDB_FILE:
        found.lmdbs.append(path.parent)
    is_plain = ending.isprintable() and len(ending) <= _LONGEST_ENDING
    found.others[ending or "nameless" if is_plain else "oddly named"] += 1
