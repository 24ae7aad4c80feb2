"""The folder of a run: one process at a time, files written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from l4f_bench.errors import BenchError, InputError

CONFIG = "config.json"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full."""
_UNFINISHED = ".unfinished-"
"""How the name of a file begins that is being written."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path`` and rename it to ``path`` on success.

    The temporary file is removed when the block is left by an exception (Ctrl-C included), so
    ``path`` holds either its old content or the whole new one. What a killed process leaves is
    removed when its run is resumed (:func:`open_run`).

    Raises:
        InputError: The folder cannot be made or written.
        BenchError: The disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, _UNFINISHED, path.parent)
    except OSError as error:
        raise _cannot_write(path, error) from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only the owner may read
        temporary.replace(path)
    except OSError as error:  # the disk is full, or a folder has the name of the file
        raise _cannot_write(path, error) from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8.

    Raises:
        InputError: The folder cannot be made or written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make ``folder`` if need be and keep other processes from running in it meanwhile.

    Raises:
        InputError: Another process holds it, or it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(
            f"Another process is running in {folder}. Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise _cannot_write(folder, error) from None
    try:
        yield
    finally:
        lock.release()  # the file stays: removing it could let two processes hold two locks


def check_writable(folder: Path) -> None:
    """Raise unless files can be put into a folder, which need not exist yet; makes nothing.

    Raises:
        InputError: It or what it would stand in is not a folder, or cannot be written.
    """
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        raise InputError(f"{folder} cannot be written ({existing}). Choose another folder.")


def open_run(
    folder: Path, identity: dict[str, Any], about: dict[str, Any], *, resume: bool, kind: str
) -> None:
    """Check that a locked folder may be used, and note in ``config.json`` what it is for.

    Files that a killed process was writing there are removed.

    Args:
        folder: The run's folder.
        identity: What must be the same for a resumed run. JSON data.
        about: What else is worth noting (versions, time); JSON data.
        resume: Go on where an earlier run of the same identity stopped.
        kind: What the folder holds, for messages ("a run").

    Raises:
        InputError: The folder holds something else, or cannot be written.
    """
    path = folder / CONFIG
    identity = json.loads(json.dumps(identity))  # tuples become lists
    if not path.exists():
        _remove_unfinished(folder.glob)
        if any(entry.name != ".lock" for entry in folder.iterdir()):
            raise InputError(f"{folder} is not empty and holds no {kind}. Choose another folder.")
        document = {"identity": identity, "provenance": about}
        write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        return
    if not resume:
        raise InputError(f"{folder} holds {kind} already. Add --resume, or choose another folder.")
    try:
        earlier = dict(json.loads(path.read_text(encoding="utf-8"))["identity"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{path} is damaged, so what {folder} holds is unknown. Choose another folder."
        ) from None
    changed = [
        f"{key} was {earlier.get(key)}, is {identity.get(key)}"
        for key in sorted({*earlier, *identity})
        if earlier.get(key) != identity.get(key)
    ]
    if changed:
        raise InputError(
            f"{folder} holds other {kind} ({', '.join(changed)}). Repeat its options, or choose "
            "another folder."
        )
    _remove_unfinished(folder.rglob)


def _remove_unfinished(find: Callable[[str], Iterable[Path]]) -> None:
    for path in list(find(f"{_UNFINISHED}*")):
        path.unlink()


def whole_lines(path: Path) -> list[str]:
    """Lines of a file that grows by lines; one cut short by a kill is removed from it."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        write_text(path, whole)
    return whole.split("\n")[:-1]  # names may hold what else ends a line elsewhere


def _cannot_write(path: Path, error: OSError) -> BenchError:
    kind = BenchError if error.errno in NO_ROOM else InputError
    return kind(f"Cannot write {path}: {error.strerror}. Choose another place, or make room there.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
