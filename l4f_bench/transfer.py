"""Resumable downloads over HTTP: bytes go to a ``.part`` file that survives drops and Ctrl-C.

Beside the part stands ``.part.json`` with the validators of the remote file (entity tag, date,
size). A resume asks for the rest of that very file; where the server no longer has it, or does
not know ranges, the download starts again from zero.
"""

from __future__ import annotations

import json
import re
import shutil
import ssl
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from l4f_bench import __version__
from l4f_bench.cache import is_html
from l4f_bench.errors import BenchError, InputError
from l4f_bench.runs import write_text

ProgressCallback = Callable[[int, int | None], None]
"""Called with the bytes so far and the total, None where the server does not say."""

_CHUNK_BYTES = 1 << 18
_PROGRESS_BYTES = 1 << 20  # an attempt that got this far does not count as failed
_MAX_BACKOFF_S = 30.0
_RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})


class SourceError(BenchError):
    """A place that does not have the file; another attempt there would not help."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Remote:
    """What a server said about a file: enough to tell whether it is still the same."""

    url: str
    etag: str | None
    last_modified: str | None
    total: int | None

    def is_same(self, other: _Remote) -> bool:
        """Whether nothing that both know differs."""
        pairs = (
            (self.etag, other.etag),
            (self.last_modified, other.last_modified),
            (self.total, other.total),
        )
        return all(a is None or b is None or a == b for a, b in pairs)

    @property
    def if_range(self) -> str | None:
        """Validator for ``If-Range``, which takes no weak entity tag."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


class _SameSchemeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects within http and https, never from https back to http."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: object,
        newurl: str,
    ) -> urllib.request.Request | None:
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in {old, "https"}:
            fp.close()
            raise SourceError(f"{req.full_url} redirects to {newurl}, which is refused.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


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
        InterruptedTransferError: The connection kept breaking; ``part`` is kept.
        InputError: The disk is full or cannot be written.
    """
    failures = 0
    while True:
        before = part_size(part)
        try:
            return _attempt(url, part, num_bytes, config.timeout_s, progress)
        except _DroppedError as dropped:
            grown = part_size(part) - before
            failures = 0 if grown >= _PROGRESS_BYTES else failures + 1
            if failures >= config.attempts:
                kept = part_size(part)
                advice = f" {kept:,} bytes are kept: run the same command again to resume."
                raise InterruptedTransferError(
                    f"{url}: {dropped}, {failures} times in a row.{advice if kept else ''}"
                ) from dropped
        time.sleep(min(config.backoff_s * 2 ** max(failures - 1, 0), _MAX_BACKOFF_S))


def part_size(part: Path) -> int:
    """Bytes that an unfinished download holds."""
    return part.stat().st_size if part.exists() else 0


def discard(part: Path) -> None:
    """Remove an unfinished download and its state."""
    part.unlink(missing_ok=True)
    _state_path(part).unlink(missing_ok=True)


def _attempt(
    url: str, part: Path, num_bytes: int | None, timeout_s: float, progress: ProgressCallback
) -> None:
    known = _load_state(part, url)
    offset = part_size(part) if known else 0
    try:
        response = _open(url, known, offset, timeout_s)
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
    except (OSError, HTTPException) as error:
        raise _DroppedError(f"no connection ({error or type(error).__name__})") from error
    with response:
        remote, offset = _describe(url, response, known, offset, part)
        _receive(response, part, remote, offset, num_bytes, progress)


def _open(url: str, known: _Remote | None, offset: int, timeout_s: float) -> HTTPResponse:
    headers = {"User-Agent": f"l4f-bench/{__version__}", "Accept-Encoding": "identity"}
    if known and offset:
        headers["Range"] = f"bytes={offset}-"
        if known.if_range:
            headers["If-Range"] = known.if_range
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        _SameSchemeRedirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    response: HTTPResponse = opener.open(
        urllib.request.Request(url, headers=headers), timeout=timeout_s
    )
    return response


def _describe(
    url: str, response: HTTPResponse, known: _Remote | None, offset: int, part: Path
) -> tuple[_Remote, int]:
    """The remote file and the offset at which this response begins."""
    begin, total = 0, response.headers.get("Content-Length")
    if response.status == 206:
        match = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip()
        )
        begin = int(match[1]) if match else -1
        total = match[2] if match and match[2] != "*" else None
    remote = _Remote(
        url=url,
        etag=response.headers.get("ETag"),
        last_modified=response.headers.get("Last-Modified"),
        total=int(total) if total and total.isdecimal() else None,
    )
    if response.status == 206 and not (known and known.is_same(remote) and begin == offset):
        discard(part)
        raise _DroppedError("the file changed on the server")
    return remote, begin


def _receive(
    response: HTTPResponse,
    part: Path,
    remote: _Remote,
    offset: int,
    num_bytes: int | None,
    progress: ProgressCallback,
) -> None:
    chunk = _read(response)
    if offset == 0 and is_html(chunk):
        discard(part)
        raise SourceError(f"{remote.url} gives an HTML page instead of the file.")
    if num_bytes is not None and remote.total not in {None, num_bytes}:
        discard(part)
        raise SourceError(
            f"{remote.url} offers {remote.total:,} bytes where the file has {num_bytes:,}."
        )
    _check_space(part, (remote.total or num_bytes or 0) - offset)
    try:
        write_text(_state_path(part), json.dumps(asdict(remote)))
        with part.open("ab") as file:
            file.truncate(offset)
            while chunk:
                file.write(chunk)
                offset += len(chunk)
                progress(offset, remote.total or num_bytes)
                chunk = _read(response)
    except OSError as error:
        raise InputError(f"Cannot write {part}: {error.strerror}. Free some space.") from error
    if remote.total is not None and offset < remote.total:
        raise _DroppedError("the connection closed early")


def _read(response: HTTPResponse) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, HTTPException) as error:
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


def _load_state(part: Path, url: str) -> _Remote | None:
    """State of an unfinished download of ``url``; None where there is nothing to continue."""
    try:
        remote = _Remote(**json.loads(_state_path(part).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    resumable = remote.if_range or remote.etag or remote.total is not None
    return remote if resumable and remote.url == url and part_size(part) else None
