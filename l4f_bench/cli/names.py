"""Names that the shell completes."""

from __future__ import annotations

from collections.abc import Callable


def completed(kind: str) -> Callable[[str], list[str]]:
    """What completes the names of a kind: one of ``l4f-bench list``, or ``kinds`` of these."""

    def complete(incomplete: str) -> list[str]:
        from l4f_bench.catalogue import KINDS, names

        known = KINDS if kind == "kinds" else names(kind)
        return [name for name in known if name.startswith(incomplete)]

    return complete
