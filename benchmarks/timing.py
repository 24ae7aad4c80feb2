"""What benchmarks share: tasks that take turns, a busy neighbour, ratios with their range."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Task = Callable[[], object]


def in_turns(tasks: Mapping[str, Task], rounds: int) -> dict[str, list[float]]:
    """Wall seconds of each task in every round, after one round to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for round_ in range(rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            task()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> str:
    """How many times as fast, round by round: the median with its range."""
    ratios = [a / b for a, b in zip(slow, fast, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


@contextmanager
def busy_neighbours(number: int) -> Iterator[None]:
    """While it lasts, so many other processes compute without a pause."""
    others = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(number)]
    for other in others:
        other.start()
    try:
        yield
    finally:
        for other in others:
            other.terminate()
            other.join()


def _spin() -> None:
    while True:
        sum(range(10_000))
