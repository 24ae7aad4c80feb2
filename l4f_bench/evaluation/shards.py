"""A part of the images, for sets that are scored in pieces."""

from __future__ import annotations

import re
from dataclasses import dataclass

from l4f_bench.errors import InputError


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of about equal size, in the order of the images."""

    number: int
    """From 1."""
    of: int

    def span(self, total: int) -> range:
        """The indices that belong to it, of ``total``."""
        return range(total * (self.number - 1) // self.of, total * self.number // self.of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def parse_shard(text: str) -> Shard:
    """A shard as it is written, such as ``3/16``.

    Raises:
        InputError: It is not of that form, or out of range.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise InputError(f"--shard {text} is not a part. Give one such as 3/16, from 1/16 on.")
    return Shard(int(found[1]), int(found[2]))
