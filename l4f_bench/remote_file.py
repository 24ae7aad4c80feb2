"""A file on a web server: how it is asked for, and what the server says about it.

Nothing that a server says is trusted: neither lengths nor headers nor addresses that it sends one
to.
"""

from __future__ import annotations

import re
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from socket import SHUT_RDWR
from threading import Event, Timer
from typing import IO, Any
from urllib.parse import urlsplit

from l4f_bench import __version__
from l4f_bench.errors import BenchError
from l4f_bench.json_data import read_json

_LONGEST_VALIDATOR = 1000


class SourceError(BenchError):
    """A place that does not have the file; another attempt there would not help."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remote:
    """What a server said about a file: enough to tell whether it is still the same."""

    url: str
    etag: str | None
    last_modified: str | None
    total: int | None
    """Bytes of the whole file, where the server says so."""

    def is_same(self, other: Remote) -> bool:
        """Whether a later answer is known to be about the same version of the file.

        A server that was asked by ``If-Range`` vouches for it; else the entity tags must be equal.
        """
        tags = (self.etag, other.etag)
        pairs = (tags, (self.last_modified, other.last_modified), (self.total, other.total))
        vouched = self.if_range is not None or (self.etag is not None and self.etag == other.etag)
        return vouched and all(a is None or b is None or a == b for a, b in pairs)

    @property
    def if_range(self) -> str | None:
        """Validator for ``If-Range``, which takes no weak entity tag."""
        strong = self.etag if self.etag and not self.etag.startswith("W/") else None
        return strong or self.last_modified


class _Connection(HTTPConnection):
    """Breaks off where the headers, which are read byte by byte, are not there in time."""

    def getresponse(self) -> HTTPResponse:
        assert self.timeout is not None, "whoever asks says how long to wait"
        late = Event()
        timer = Timer(self.timeout, self._break_off, [late])
        timer.start()
        try:
            response = super().getresponse()
        finally:
            timer.cancel()
        if late.is_set():  # what had come looks like all of them
            response.close()
            raise TimeoutError("its headers take too long")
        return response

    def _break_off(self, late: Event) -> None:
        late.set()
        with suppress(OSError, AttributeError):  # it may be closed already
            self.sock.shutdown(SHUT_RDWR)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_Connection, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_SecureConnection, req)


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


def open_url(url: str, known: Remote | None, offset: int, timeout_s: float) -> HTTPResponse:
    """Ask for a file, or for its rest from ``offset`` on.

    Args:
        url: http or https address.
        known: What the server said when the first bytes came.
        offset: How many are here.
        timeout_s: Seconds to wait for the connection, for all headers, and for each read.

    Raises:
        SourceError: It redirects out of http and https.
        OSError: As ``urllib`` raises it, also for HTTP's errors.
        HTTPException: The answer is no HTTP.
        ValueError: The address, or one that it redirects to, cannot be parsed.
    """
    headers = {"User-Agent": f"l4f-bench/{__version__}", "Accept-Encoding": "identity"}
    if known and offset:
        headers["Range"] = f"bytes={offset}-"
        if known.if_range:
            headers["If-Range"] = known.if_range
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(),
        _Https(),
        _SameSchemeRedirects(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    response: HTTPResponse = opener.open(
        urllib.request.Request(url, headers=headers), timeout=timeout_s
    )
    return response


def described(url: str, response: HTTPResponse) -> tuple[Remote, int | None]:
    """What an answer says about its file, and the offset at which its body begins.

    The offset is None where the server gives a part of the file and does not say which.
    """
    begin: int | None = 0
    total = response.headers.get("Content-Length", "")
    if response.status == 206:
        content_range = response.headers.get("Content-Range", "").strip()
        match = re.fullmatch(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15}|\*)", content_range)
        begin, total = (int(match[1]), match[2]) if match else (None, "")
    remote = Remote(
        url=url,
        etag=_validator(response.headers.get("ETag")),
        last_modified=_validator(response.headers.get("Last-Modified")),
        total=int(total) if re.fullmatch(r"[0-9]{1,15}", total) else None,
    )
    return remote, begin


def read_remote(path: Path) -> Remote | None:
    """What was noted about a file in JSON; None where it is damaged or tells no version."""
    try:
        remote = Remote(**read_json(path))
    except (OSError, ValueError, TypeError):
        return None
    texts = (remote.etag, remote.last_modified)
    intact = all(text is None or text == _validator(text) for text in texts)
    sized = remote.total is None or (type(remote.total) is int and remote.total >= 0)
    return remote if intact and sized and (remote.etag or remote.last_modified) else None


def _validator(header: Any) -> str | None:
    """A header to be kept and sent back; None for one that could be something else there."""
    text = str(header or "")
    plain = text.isascii() and text.isprintable()
    return text if plain and 0 < len(text) <= _LONGEST_VALIDATOR else None
