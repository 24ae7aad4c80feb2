"""The folder of a run: one process at a time, files written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from l4f_bench.errors import InputError


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path`` and rename it to ``path`` on success.

    The temporary file is removed when the block is left by an exception (Ctrl-C included), so
    ``path`` holds either its old content or the whole new one.

    Raises:
        InputError: The folder cannot be made or written, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix, f".{path.name}.", path.parent)
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


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"Cannot write {path}: {error.strerror}. Choose another place, or make room there."
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
