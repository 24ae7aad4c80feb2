"""What may be shown on a terminal."""

from __future__ import annotations

import re


def one_line(text: str) -> str:
    """``text`` as one line that only shows: line breaks become spaces, other controls ``?``.

    Names and texts from files and servers may hold escape sequences, invisible characters and
    halves of characters, which a terminal would obey or which could not be written at all.
    """
    joined = re.sub(r"\s*[^\S ]\s*", " ", text)
    return "".join(char if char.isprintable() else "?" for char in joined)
