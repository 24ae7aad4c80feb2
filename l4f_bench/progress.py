"""How long work says how far it is, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable

Advance = Callable[[int], object]
"""Called with the number of steps just done."""

Progress = Callable[[int], Advance]
"""Given the number of steps to do, returns what to call as they are done."""


def silent(total: int) -> Advance:
    """Nobody listens."""
    return lambda steps: None
