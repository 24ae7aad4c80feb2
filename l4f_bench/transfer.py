"""Resumable downloads over HTTP: bytes go to a ``.part`` file that survives drops and Ctrl-C.

Beside the part stands ``.part.json`` with the validators of the remote file (entity tag, date,
size). A resume asks for the rest of that very file; where the server no longer has it, does not
know ranges, or never said what tells one version from another, it starts again from zero.
"""

from __future__ import annotations

import json
import shutil
import ssl
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from urllib.error import HTTPError, URLError

from l4f_bench.cache import is_html
from l4f_bench.errors import BenchError, InputError
from l4f_bench.remote_file import Remote, SourceError, described, open_url, read_remote
from l4f_bench.runs import check_output, write_text

ProgressCallback = Callable[[int, int | None], None]
"""Called with the bytes so far and the total, None where the server does not say."""

_CHUNK_BYTES = 1 << 18
_PROGRESS_BYTES = 1 << 20  # an attempt that got this far does not count as failed
_MAX_BACKOFF_S = 30.0
_MAX_TOTAL_S = 12 * 3600.0  # a gigabyte at 25 kB/s
_MAX_BYTES = 64 << 30  # of a file whose size nobody published
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class InterruptedTransferError(BenchError):
    """A download that kept breaking off; what was downloaded is kept, and a repeat resumes it."""


class _DroppedError(Exception):
    """One attempt broke off; worth another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferConfig:
    """How patient a download is."""

    attempts: int = 5
    """Attempts in a row that bring less than 1 MiB before giving up."""
    timeout_s: float = 30.0
    """Seconds without a byte after which an attempt counts as broken off."""
    backoff_s: float = 1.0
    """Seconds before the second attempt; doubles with each further one, up to 30."""
    total_s: float = _MAX_TOTAL_S
    """Seconds after which a download ends, however its bytes trickle in; what came is kept."""


@dataclass(frozen=True, slots=True)
class _Task:
    """One download."""

    url: str
    part: Path
    num_bytes: int | None
    config: TransferConfig
    progress: ProgressCallback
    deadline: float

    @property
    def is_late(self) -> bool:
        return time.monotonic() > self.deadline


def download(
    url: str,
    part: Path,
    *,
    num_bytes: int | None,
    config: TransferConfig,
    progress: ProgressCallback,
) -> None:
    """Bring ``part`` to the whole remote file, continuing with what it already holds.

    Args:
        url: http or https address.
        part: File to write; its state stands beside it.
        num_bytes: Size the file must have, if known; anything else is refused at once.
        config: Patience.
        progress: Told about every block.

    Raises:
        SourceError: The server does not have the file, or offers something else.
        InterruptedTransferError: The connection kept breaking, or the time is up; ``part`` is kept.
        InputError: The disk is full or cannot be written.
    """
    task = _Task(url, part, num_bytes, config, progress, time.monotonic() + config.total_s)
    failures = 0
    while True:
        before = part_size(part)
        try:
            return _attempt(task)
        except _DroppedError as dropped:
            grown = part_size(part) - before
            failures = 0 if grown >= _PROGRESS_BYTES else failures + 1
            if failures >= config.attempts or task.is_late:
                times = "" if task.is_late else f", {failures} times in a row"
                raise InterruptedTransferError(f"{url}: {dropped}{times}.{_kept(task)}") from None
        time.sleep(min(config.backoff_s * 2 ** max(failures - 1, 0), _MAX_BACKOFF_S))


def part_size(part: Path) -> int:
    """Bytes that an unfinished download holds."""
    return part.stat().st_size if part.exists() else 0


def discard(part: Path) -> None:
    """Remove an unfinished download and its state."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def _kept(task: _Task) -> str:
    """What stays of a download that is given up: nothing that could not be gone on with."""
    if not _load_state(task.part, task.url):
        discard(task.part)
        return ""
    kept = part_size(task.part)
    return f" {kept:,} bytes are kept: run the same command again to resume."


def _attempt(task: _Task) -> None:
    url, part = task.url, task.part
    known = _load_state(part, url)
    offset = part_size(part) if known else 0
    try:
        response = open_url(url, known, offset, task.config.timeout_s)
    except HTTPError as error:
        with error:
            if error.code == 416 and known and offset == known.total:
                return  # nothing is missing: the last run ended between download and check
            if error.code == 416:
                discard(part)
            if error.code == 416 or error.code in _RETRIED_STATUS:
                raise _DroppedError(f"the server answers {error.code}") from error
            reason = f"{url} answers HTTP {error.code} ({error.reason})."
            raise SourceError(reason) from error
    except URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise SourceError(f"{url}: {error.reason.verify_message}.") from error
        raise _DroppedError(f"no connection ({error.reason})") from error
    except (InvalidURL, ValueError) as error:  # the address, or one that it redirects to
        raise SourceError(f"{url} leads to no valid address ({error}).") from error
    except (OSError, HTTPException) as error:
        raise _DroppedError(f"no connection ({error or type(error).__name__})") from error
    with response:
        remote, begin = described(url, response)
        if response.status == 206 and not (known and known.is_same(remote) and begin == offset):
            discard(part)
            raise _DroppedError("the file changed on the server")
        _receive(task, response, remote, begin or 0)


def _receive(task: _Task, response: HTTPResponse, remote: Remote, offset: int) -> None:
    part, num_bytes = task.part, task.num_bytes
    chunk = _read(response)
    if offset == 0 and is_html(chunk):
        discard(part)
        raise SourceError(f"{remote.url} gives an HTML page instead of the file.")
    if num_bytes is not None and remote.total not in {None, num_bytes}:
        discard(part)
        raise SourceError(
            f"{remote.url} offers {remote.total:,} bytes where the file has {num_bytes:,}."
        )
    expected = num_bytes or remote.total
    _check_space(part, (expected or 0) - offset)
    check_output(part)
    try:
        write_text(_state_path(part), json.dumps(asdict(remote)))
        with part.open("ab") as file:
            file.truncate(offset)
            while chunk:
                offset += len(chunk)
                _check_length(task, offset, expected or _MAX_BYTES)
                file.write(chunk)
                task.progress(offset, expected)
                if task.is_late:
                    raise _DroppedError("the download takes too long")
                chunk = _read(response)
    except OSError as error:
        raise InputError(f"Cannot write {part}: {error.strerror}. Free some space.") from error
    if remote.total is not None and offset < remote.total:
        raise _DroppedError("the connection closed early")


def _check_length(task: _Task, received: int, most: int) -> None:
    """End a download that sends more than the file has, which could go on for ever."""
    if received > most:
        discard(task.part)
        raise SourceError(
            f"{task.url} sends {received:,} bytes or more where {most:,} were expected."
        )


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, ValueError, HTTPException) as error:
        raise _DroppedError(f"the connection broke ({error or type(error).__name__})") from error


def _check_space(part: Path, needed: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < needed:
        raise InputError(
            f"{part.parent} has {free:,} bytes free, and {needed:,} are needed. Free some space, "
            "or set L4F_CACHE to a folder on another disk."
        )


def _state_path(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _load_state(part: Path, url: str) -> Remote | None:
    """State of an unfinished download of ``url``; None where there is nothing to continue."""
    remote = read_remote(_state_path(part))
    return remote if remote and remote.url == url and part_size(part) else None
