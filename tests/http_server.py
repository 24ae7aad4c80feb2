"""A web server on 127.0.0.1 that serves one file and misbehaves as told."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class FileServer:
    """Serves ``content`` under every path; each field is one way to be a good or bad server."""

    content: bytes
    etag: str | None = '"v1"'
    last_modified: str | None = None
    ranges: bool = True
    """Answer Range requests with 206."""
    honour_if_range: bool = True
    """Answer 200 where the validator of If-Range is not the current one."""
    cuts: list[int] = field(default_factory=list)
    """Bytes of the body after which each of the first responses breaks off."""
    statuses: list[int] = field(default_factory=list)
    """Status codes of the first responses, instead of the file."""
    missing: str | None = None
    """Paths with this in them answer 404."""
    redirect_to: str | None = None
    """Where paths that begin with /moved point."""
    chunked: bool = False
    """Send no Content-Length."""
    endless: bool = False
    """Send the content again and again, and no Content-Length."""
    drip_s: float = 0.0
    """Wait this long before each hundred bytes."""
    drip_headers: bool = False
    """Send headers without end, one each tenth of a second."""
    silent_parts: bool = False
    """Send no validator with the rest of a file."""
    headers: dict[str, str] = field(default_factory=dict)
    """Headers that replace others."""
    stall_s: float = 0.0
    """Wait this long before the last byte of each response that is not cut."""
    requests: list[dict[str, str]] = field(default_factory=list)
    """Headers of all requests so far, and the path under ``path``."""
    url: str = ""

    @property
    def asked_ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [request.get("Range") for request in self.requests]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: FileServer

    def do_GET(self) -> None:
        state = self.state
        state.requests.append({"path": self.path, **dict(self.headers.items())})
        if state.redirect_to and self.path.startswith("/moved"):
            self._answer(302, {"Location": state.redirect_to})
        elif state.drip_headers:
            self._drip()
        elif state.missing and state.missing in self.path:
            self._answer(404, {})
        elif state.statuses:
            self._answer(state.statuses.pop(0), {})
        else:
            self._serve()

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": "0", **headers}.items():
            self.send_header(key, value)
        self.end_headers()

    def _drip(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # the client has gone
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for number in range(90):
                self.wfile.write(b"X-%d: a\r\n" % number)
                time.sleep(0.1)

    def _serve(self) -> None:
        state, begin = self.state, 0
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        validator = self.headers.get("If-Range")
        current = validator is None or validator in {state.etag, state.last_modified}
        partial = bool(wanted) and state.ranges and (current or not state.honour_if_range)
        if wanted and partial:
            begin = int(wanted[1])
            if begin >= len(state.content):
                return self._answer(416, {"Content-Range": f"bytes */{len(state.content)}"})
        body = state.content[begin:]
        headers: dict[str, str | None] = {}
        if not (partial and state.silent_parts):
            headers = {"ETag": state.etag, "Last-Modified": state.last_modified}
        if partial:
            end, total = len(state.content) - 1, len(state.content)
            headers["Content-Range"] = f"bytes {begin}-{end}/{total}"
        if state.chunked:
            headers["Transfer-Encoding"] = "chunked"
        elif not state.endless:
            headers["Content-Length"] = str(len(body))
        self.send_response(206 if partial else 200)
        for key, value in {**headers, **state.headers}.items():
            if value:
                self.send_header(key, value)
        self.end_headers()
        self._send(body)
        return None

    def _send(self, body: bytes) -> None:
        state = self.state
        cut = state.cuts.pop(0) if state.cuts else None
        sent = body if cut is None else body[:cut]
        try:
            if state.stall_s and cut is None:
                self.wfile.write(sent[:-1])
                self.wfile.flush()
                time.sleep(state.stall_s)
                self.wfile.write(sent[-1:])
            elif state.endless:
                while True:
                    self.wfile.write(sent)
            elif state.drip_s:
                for start in range(0, len(sent), 100):
                    time.sleep(state.drip_s)
                    self.wfile.write(sent[start : start + 100])
            elif state.chunked:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent) if sent else b"")
                self.wfile.write(b"0\r\n\r\n" if cut is None else b"")
            else:
                self.wfile.write(sent)
        except OSError:
            pass  # the client has gone
        self.close_connection = cut is not None or bool(state.stall_s) or state.endless

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def serving(content: bytes, **behaviour: object) -> Iterator[FileServer]:
    """Run a server while the block runs."""
    state = FileServer(content, **behaviour)  # type: ignore[arg-type]
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
