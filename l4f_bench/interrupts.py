"""Ctrl-C: one line, exit code 130 and no traceback, from the first moment to the last.

Imports next to nothing, so that it can be installed before anything else is imported.
"""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import NoReturn

EXIT_CODE = 130
MESSAGE = "Interrupted. No file is half written."


def install() -> None:
    """Answer Ctrl-C from now on.

    The first one raises ``KeyboardInterrupt``, so that what runs is unwound. A second one does not
    wait for that. Nor does the first while a module is imported: it could be reported where nobody
    catches it, or become another exception.
    """
    signal.signal(signal.SIGINT, _First())


def ignore() -> None:
    """Ignore Ctrl-C from now on, since the line that answers it is about to be printed."""
    if isinstance(signal.getsignal(signal.SIGINT), _First):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def is_pending() -> bool:
    """Whether Ctrl-C was pressed and no line has answered it: an error may be its consequence."""
    handler = signal.getsignal(signal.SIGINT)
    return isinstance(handler, _First) and handler.seen


def end() -> None:
    """Ignore Ctrl-C, as all is done; one that nobody has answered ends the process here."""
    if is_pending():
        _leave()
    ignore()


class _First:
    def __init__(self) -> None:
        self.seen = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.seen or _is_importing(frame):
            _leave()
        self.seen = True
        raise KeyboardInterrupt


def _leave() -> NoReturn:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # or the next would come between these lines
    os.write(2, f"{MESSAGE}\n".encode())
    os._exit(EXIT_CODE)


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False
