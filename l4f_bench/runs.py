"""The folder of a run: one process at a time, files written whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from l4f_bench.errors import BenchError, InputError
from l4f_bench.json_data import read_json
from l4f_bench.terminal import one_line

CONFIG = "config.json"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Errors of a disk that is full."""
_UNFINISHED = ".unfinished-"
"""How the name of a file begins that is being written."""
_LONGEST_SUFFIX = 16  # some writers add their own where it is missing
_LONGEST_SHOWN = 80


@contextmanager
def atomic_path(path: Path, *, durable: bool = True, make_folder: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` on success.

    The temporary file is removed when the block is left by an exception (Ctrl-C included), so
    ``path`` holds either its old content or the whole new one. What a killed process leaves is
    removed when its run is resumed (:func:`open_run`). Where ``path`` is a link, the file that it
    leads to is replaced and the link stays.

    Args:
        path: The file to write.
        durable: Wait for the disk, so that the file also survives a loss of power. It costs less
            than a millisecond on an SSD and tens on a hard disk; leave it out for files that come
            by thousands and can be made again.
        make_folder: Make the folder if need be. Without it a folder that was removed under a
            running program is an error.

    Raises:
        InputError: The folder cannot be made or written, or ``path`` is a device, FIFO or folder.
        BenchError: The disk is full.
    """
    target, temporary = _unfinished(path, make_folder=make_folder)
    mode = temporary.stat().st_mode  # by the process's umask, which some writers go past
    try:
        yield temporary
        temporary.chmod(mode)
        move(temporary, target, durable=durable)
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise cannot_write(path, reason) from error
    finally:
        with suppress(OSError):  # its folder may be gone
            temporary.unlink(missing_ok=True)


def _unfinished(path: Path, *, make_folder: bool) -> tuple[Path, Path]:
    """The file that ``path`` stands for, beyond links, and a new one beside it to write."""
    try:
        if make_folder:
            path.parent.mkdir(parents=True, exist_ok=True)
        check_output(path)
        target = path.resolve() if path.is_symlink() else path
        suffix = path.suffix if len(path.suffix) <= _LONGEST_SUFFIX else ""
        temporary = target.with_name(f"{_UNFINISHED}{secrets.token_hex(8)}{suffix}")
        temporary.touch(exist_ok=False)
    except OSError as error:
        raise cannot_write(path, error) from error
    return target, temporary


def move(source: Path, target: Path, *, durable: bool = True) -> None:
    """Give a finished file its name; what had it before is replaced.

    Args:
        source: The file, on the same disk as ``target``.
        target: Its new name.
        durable: Wait until content and name are on the disk.

    Raises:
        OSError: The disk is full or cannot be written.
    """
    if durable:
        _sync(source)
    source.replace(target)
    if durable:
        with suppress(OSError):  # some file systems of networks cannot do it for folders
            _sync(target.parent)


def check_output(path: Path) -> None:
    """Raise where a file cannot be written since something else has its name.

    Raises:
        InputError: It is a folder, a device, a FIFO, a socket, or a link in a circle.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
        raise InputError(f"Cannot write {path}: it is {what}. Choose another name.")


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8.

    Raises:
        InputError: The folder cannot be written, or the text is no UTF-8, as some file names.
        BenchError: The disk is full.
    """
    try:
        content = text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"Cannot write {path}: {error.object[error.start : error.end]!a} in it is not UTF-8. "
            "Rename the file it names."
        ) from None
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def append_lines(path: Path, lines: Iterable[str]) -> None:
    """Add lines to the end of a file that is there.

    Raises:
        InputError: The file is gone, or something else has its name; nothing is written then.
        BenchError: The disk is full; the last line may be cut short (:func:`whole_lines`).
    """
    check_output(path)
    try:
        with path.open("r+", encoding="utf-8", newline="\n") as file:
            file.seek(0, os.SEEK_END)
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Make ``folder`` if need be and keep other processes from running in it meanwhile.

    Raises:
        InputError: Another process holds it, or it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / ".lock"
        if path.is_symlink():  # the lock empties the file that it is put on
            raise InputError(f"{path} is a link, which no run makes. Choose another folder.")
        lock = FileLock(path)
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(
            f"Another process is running in {folder}. Wait for it, or choose another folder."
        ) from None
    except OSError as error:
        raise cannot_write(folder, error) from None
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


def check_file(path: Path) -> None:
    """Raise unless a file can be written: to be asked before long work, whose outcome it will hold.

    Raises:
        InputError: Something else has its name, or its folder cannot be written.
    """
    check_output(path)
    check_writable(path.parent)


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
    identity = json.loads(json.dumps(identity))  # tuples become lists
    try:
        if not (folder / CONFIG).exists():
            _begin(folder, {"identity": identity, "provenance": about}, kind)
        else:
            _go_on(folder, identity, resume=resume, kind=kind)
    except OSError as error:
        raise InputError(f"{folder} cannot be used: {error.strerror}. Choose another.") from error


def identity_in(folder: Path) -> dict[str, Any]:
    """What the run in a folder was for: the identity that :func:`open_run` noted.

    Raises:
        InputError: It is no folder of a run, or damaged.
    """
    with suppress(OSError, ValueError):
        document = read_json(folder / CONFIG)
        if isinstance(document, dict) and isinstance(document.get("identity"), dict):
            identity: dict[str, Any] = document["identity"]
            return identity
    raise InputError(
        f"{folder / CONFIG} is damaged or missing, so what {folder} holds is unknown. Choose "
        "another folder."
    )


def whole_lines(path: Path) -> list[str]:
    """Lines of a file that grows by lines; one cut short by a kill is removed from it.

    Only a line feed ends a line: the other characters that Python takes for line breaks may stand
    in names. Bytes that are no UTF-8 become halves of surrogates, as in names of files.

    Raises:
        InputError: It is no file, or cannot be read or mended.
    """
    check_output(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise InputError(f"Cannot read {path}: {error.strerror}.") from error
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with atomic_path(path) as temporary:
            temporary.write_bytes(whole)
    return whole.decode(errors="surrogateescape").split("\n")[:-1]


def cannot_write(path: Path, error: OSError) -> BenchError:
    """What to raise for a file or folder that an error kept from being written."""
    kind = BenchError if error.errno in NO_ROOM else InputError
    return kind(f"Cannot write {path}: {error.strerror}. Choose another place, or make room there.")


def _begin(folder: Path, document: dict[str, Any], kind: str) -> None:
    _remove_unfinished(folder.glob)
    if any(entry.name != ".lock" for entry in folder.iterdir()):
        raise InputError(f"{folder} is not empty and holds no {kind}. Choose another folder.")
    write_text(folder / CONFIG, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def _go_on(folder: Path, identity: dict[str, Any], *, resume: bool, kind: str) -> None:
    if not resume:
        raise InputError(f"{folder} holds {kind} already. Add --resume, or choose another folder.")
    earlier = identity_in(folder)
    changed = [
        f"{key} was {_shown(earlier.get(key))}, is {_shown(identity.get(key))}"
        for key in sorted({*earlier, *identity})
        if earlier.get(key) != identity.get(key)
    ]
    if changed:
        raise InputError(
            f"{folder} holds other {kind} ({one_line(', '.join(changed))}). Repeat its options, or "
            "choose another folder."
        )
    _remove_unfinished(folder.rglob)


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _remove_unfinished(find: Callable[[str], Iterable[Path]]) -> None:
    for path in list(find(f"{_UNFINISHED}*")):
        if path.is_file():
            path.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> OSError | None:
    """The operating system's error, of which safetensors tells in words only."""
    if isinstance(error, (OSError, BenchError)):
        return error if isinstance(error, OSError) else None
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None
