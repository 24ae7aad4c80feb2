"""Reading by threads what is asked for in batches: the next one while this one is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")


class ReadAhead(Generic[Item]):
    """Items by index, of which the next batch is read before anybody asks for it."""

    def __init__(self, read: Callable[[int], Item], num_threads: int | None = None) -> None:
        """Read by ``read``, which is called in threads, also for indices that nobody wants.

        Args:
            read: Gives the item of an index; what it raises is raised where the item is asked for.
            num_threads: Threads that read; None for one a core, up to 8.
        """
        self._read_one = read
        self._coming: dict[int, Future[Item]] = {}
        self._first: int | None = None
        threads = num_threads or min(8, os.cpu_count() or 1)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="images")

    def read(self, indices: Sequence[int]) -> list[Item]:
        """The items of a batch, one or more."""
        self._start(indices)
        ahead = self._following(indices)
        self._start(ahead)
        items = [self._coming[index].result() for index in indices]
        for index in self._coming.keys() - set(ahead):
            self._coming.pop(index).cancel()
        return items

    def _following(self, indices: Sequence[int]) -> list[int]:
        """What the next batch should be: as far from this one as this one is from the last."""
        before, self._first = self._first, indices[0]
        step = indices[0] - before if before is not None and before < indices[0] else len(indices)
        return [index + step for index in indices]

    def _start(self, indices: Sequence[int]) -> None:
        for index in indices:
            if index not in self._coming:
                self._coming[index] = self._pool.submit(self._read_one, index)
