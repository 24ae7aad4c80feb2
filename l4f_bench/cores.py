"""How a computer's cores are shared among images.

A kernel on several threads waits for the slowest of them: beside another busy process small
networks become many times slower. So images are computed side by side, each by a worker on one
core; huge ones, and all on a GPU, one at a time, by kernels on all cores, while workers decode and
count beside that. Results are the same either way.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
R = TypeVar("R")

_OVERLAPPING = 2  # one computes while the other decodes or counts
_MOST = 16  # bounds memory, as each worker has a batch in hand
_SMALL = 1024  # pixels a side: the largest that was measured (benchmarks/cores.py)


def fits_one_core(side: int, device: torch.device) -> bool:
    """Whether images of this side are best computed on one core each."""
    return device.type == "cpu" and side <= _SMALL


@dataclass(frozen=True, slots=True)
class Cores:
    """Workers for the images of one loop."""

    workers: int = _OVERLAPPING
    """Threads, each of which sees a batch through from end to end."""
    side_by_side: bool = False
    """Whether networks run on one core in each worker; else on all cores in one at a time."""
    readers: int = 1
    """Threads with which each worker reads its batch."""
    _turns: Lock = field(default_factory=Lock, repr=False, compare=False)

    @classmethod
    def for_networks(cls, *networks: object, readers: int | None = None) -> Cores:
        """Workers for the networks that a loop calls; None stands for none.

        A network that says ``side_by_side`` may be called from several threads at once, and is
        fastest so. If all of them do, there are as many workers as kernels would have threads, up
        to 16: ``OMP_NUM_THREADS`` bounds both. Where networks take turns, two workers overlap.

        Args:
            networks: Those of the loop.
            readers: Threads that read files, in all; None takes one per CPU core. Workers side by
                side each read their own.
        """
        readers = readers or os.cpu_count() or 1
        there = [network for network in networks if network is not None]
        if not there:
            return cls(min(_MOST, readers))
        import torch

        if all(getattr(network, "side_by_side", False) for network in there):
            return cls(min(_MOST, torch.get_num_threads()), side_by_side=True)
        on_cpu = not torch.cuda.is_available()
        workers = min(_OVERLAPPING, torch.get_num_threads()) if on_cpu else _OVERLAPPING
        return cls(workers, readers=readers)

    def read(self, one: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """``one`` of every item, in order, by a worker's readers."""
        if self.readers == 1:
            return [one(item) for item in items]
        with ThreadPoolExecutor(self.readers) as pool:
            return list(pool.map(one, items))

    def turn(self) -> AbstractContextManager[object]:
        """Held while a network is called: at once where they run side by side."""
        return nullcontext() if self.side_by_side else self._turns

    def ahead(self, work: Callable[[T], R], items: Iterable[T]) -> Generator[R]:
        """Results of ``work`` in the order of the items, of which each worker has one in hand.

        An error of ``work`` comes where its result would. To stop, close this: what was not begun
        never is, and nobody waits for the rest.
        """
        waiting: deque[Future[R]] = deque()
        begin, kept = (_one_core, _threads_kept()) if self.side_by_side else (None, nullcontext())
        with kept:
            pool = ThreadPoolExecutor(self.workers, initializer=begin)
            try:
                for item in items:
                    waiting.append(pool.submit(work, item))
                    if len(waiting) > self.workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _one_core() -> None:
    """Keep this thread's kernels on one core: OpenMP's number of threads is each thread's own."""
    import torch

    torch.set_num_threads(1)


@contextmanager
def _threads_kept() -> Iterator[None]:
    """Give kernels their threads again: MKL's number is that of the whole process."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)
