"""Rounds: which images of a long row each process takes next, in whole blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from l4f_bench.distributed import num_processes, rank


@dataclass(frozen=True, slots=True)
class Round:
    """Neighbours that all processes work on at a time."""

    span: range
    """All of them."""
    own: range
    """This process's; empty for some in the last round."""


def rounds(span: range, batch_size: int) -> Iterator[Round]:
    """The rounds of a span, in order.

    A process takes ``batch_size`` neighbours, which begin at a multiple of it wherever the span
    does: where it is a multiple of a block's size, no block is computed twice.

    Args:
        span: Indices in a row.
        batch_size: Images of a process at a time.
    """
    step = batch_size * num_processes()
    for start in range(span.start - span.start % step, span.stop, step):
        first = start + rank() * batch_size
        yield Round(_within(span, start, start + step), _within(span, first, first + batch_size))


def _within(span: range, start: int, stop: int) -> range:
    start = min(max(start, span.start), span.stop)
    return range(start, max(start, min(stop, span.stop)))
