"""Workers: as many as kernels would have threads, in order, and nobody waits for their end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch

from l4f_bench.cores import Cores, fits_one_core


class Small:
    side_by_side = True


@pytest.fixture
def threads() -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


def test_small_networks_share_the_threads_that_kernels_would_have(threads: int) -> None:
    cores = Cores.for_networks(Small(), None, Small())
    assert (cores.workers, cores.side_by_side) == (threads, True)
    seen = list(cores.ahead(lambda _: torch.get_num_threads(), range(6)))
    assert seen == [1] * 6
    assert torch.get_num_threads() == threads


def test_one_large_network_is_enough_to_give_kernels_all_cores(threads: int) -> None:
    cores = Cores.for_networks(Small(), object())
    assert not cores.side_by_side
    busy, together = threading.Lock(), []

    def work(_: int) -> int:
        with cores.turn():
            together.append(not busy.acquire(blocking=False))
            time.sleep(0.005)
            busy.release()
        return torch.get_num_threads()

    assert list(cores.ahead(work, range(4))) == [threads] * 4
    assert not any(together)


def test_small_is_up_to_a_side_and_on_a_cpu() -> None:
    cpu = torch.device("cpu")
    assert [fits_one_core(side, cpu) for side in (64, 1024, 2048)] == [True, True, False]
    assert not fits_one_core(64, torch.device("cuda"))


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_comes_where_its_result_would(error: type[BaseException]) -> None:
    def work(item: int) -> int:
        if item == 2:
            raise error
        return item

    results = Cores().ahead(work, range(5))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(error):
        next(results)


def test_who_stops_waits_for_nothing() -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def work(item: int) -> int:
        begun.append(item)
        if item:
            go_on.wait(10)
        return item

    start = time.monotonic()
    with closing(Cores().ahead(work, range(50))) as results:
        assert next(results) == 0
    assert time.monotonic() - start < 5
    go_on.set()
    assert len(begun) <= 4
