"""How a reader wants tables of mask scores."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.errors import InputError
from l4f_bench.metrics.scores import METRICS
from l4f_bench.registry import unknown_name

LAYOUTS = ("full", "paper")
MEASURED_DIGITS = 3
"""Digits after the point of what is measured: one more than the paper prints."""
_MOST_DIGITS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """Columns, digits and lines of a table; machines get everything whatever is chosen here."""

    metrics: tuple[str, ...] = ()
    """Keys of the scores shown; empty for all that there are."""
    digits: int = MEASURED_DIGITS
    """Digits after the point of measured values, their differences and intervals."""
    intervals: bool = True
    """Whether 95% intervals are shown."""
    each_run: bool = False
    """Show runs that differ in seed or weights alone one by one, not as mean ± sd."""
    all_protocols: bool = False
    """Score the same counts under every protocol, too."""
    layout: str = "full"
    """Of LaTeX: ``full``, or ``paper`` with one row a method."""
    narrow: bool = False
    """Leave out what is the same in all rows, for a terminal."""

    def __post_init__(self) -> None:
        """Check names and ranges.

        Raises:
            InputError: A score or layout is unknown, or digits are out of range.
        """
        for name in self.metrics:
            if name not in METRICS:
                raise InputError(unknown_name("score", name, METRICS.names()))
        if not 1 <= self.digits <= _MOST_DIGITS:
            raise InputError(f"--digits {self.digits} is out of range: 1 to {_MOST_DIGITS}.")
        if self.layout not in LAYOUTS:
            raise InputError(unknown_name("layout", self.layout, list(LAYOUTS)))

    def shown(self, metrics: tuple[str, ...]) -> tuple[str, ...]:
        """Those of a table's scores that are wanted, in the table's order; all if none is there."""
        return tuple(key for key in metrics if key in self.metrics) or metrics


def named_metrics(text: str | None) -> tuple[str, ...]:
    """Scores as they are named on the command line, separated by commas."""
    return tuple(name.strip() for name in text.split(",")) if text else ()
