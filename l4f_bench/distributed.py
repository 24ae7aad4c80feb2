"""One run on many processes, as torchrun starts them; on one process everything is a no-op.

Work is dealt out by stride: of n processes, process r takes items r, r + n, r + 2n, … A batch that
the discriminator's statistic divides into groups keeps its groups whole that way.
"""

from __future__ import annotations

import inspect
import os
import socket
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from l4f_bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
Rows = TypeVar("Rows", bound="_Sliceable")
Module = TypeVar("Module", bound="nn.Module")


_JOIN_S = 40.0  # with Python's and PyTorch's start, joining ends within a minute
_STORE_S = 5.0  # for PyTorch's first contact, of which it makes several attempts
_COLLECTIVE_S = 1800.0  # PyTorch's own: the first process may be at work while the others wait
_RETRY_S = 0.2


class _Sliceable(Protocol):
    def __getitem__(self, key: slice, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a launcher put this process."""

    rank: int
    world_size: int
    local_rank: int
    address: str
    port: int

    @property
    def is_consistent(self) -> bool:
        """Whether a launcher can have meant these numbers."""
        ranks = 0 <= self.local_rank <= self.rank < self.world_size
        return ranks and bool(self.address) and 0 < self.port < 1 << 16


@contextmanager
def processes(device: str | None = None) -> Iterator[None]:
    """Join the processes that torchrun started, until the block ends.

    Launchers set RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT for every process. A
    process that has only some of them, as a shell in a pod, runs alone.

    Args:
        device: What was asked for; each process takes its own GPU unless that is ``cpu``.

    Raises:
        BenchError: The others do not come, or another process has failed, which says itself why.
    """
    place = _launched()
    if place is None or place.world_size == 1:
        yield
        return
    from torch import distributed

    _join(place, device)
    try:
        yield
    except (RuntimeError, BenchError) as error:
        failed = error.__cause__ if isinstance(error, BenchError) else error  # in code of others
        if not isinstance(failed, RuntimeError):
            raise
        if not (isinstance(failed, distributed.DistError) or "gloo" in str(failed)):
            raise
        raise BenchError(
            f"Process {rank()} lost contact with the others. Another one's message, if there is "
            "any, says why."
        ) from None
    finally:
        distributed.destroy_process_group()


def is_follower() -> bool:
    """Whether another process of this run speaks for this one; does not import PyTorch.

    That is so once it has joined others (:func:`processes`) and is not the first of them; and from
    the start if torchrun started it.
    """
    if "torch" in sys.modules and _joined():
        return not is_first()
    place = _launched() if "TORCHELASTIC_RUN_ID" in os.environ else None
    return place is not None and place.rank > 0


def _launched() -> _Place | None:
    """The place that a launcher gave this process; None where it was started alone."""
    try:
        place = _Place(
            rank=int(os.environ["RANK"]),
            world_size=int(os.environ["WORLD_SIZE"]),
            local_rank=int(os.environ["LOCAL_RANK"]),
            address=os.environ["MASTER_ADDR"],
            port=int(os.environ["MASTER_PORT"]),
        )
    except (KeyError, ValueError):
        return None
    return place if place.is_consistent else None


def _join(place: _Place, device: str | None) -> None:
    import torch
    from torch import distributed

    on_gpu = torch.cuda.is_available() and device != "cpu"
    deadline = time.monotonic() + _JOIN_S
    # torchrun answers at the address itself; other launchers leave that to the first process.
    serves = place.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    try:
        _reach(place, deadline, serves=serves)
        stores: Any = distributed  # whose types PyTorch does not export
        server = stores.TCPStore(
            place.address,
            place.port,
            place.world_size,
            serves,
            timeout=timedelta(seconds=_STORE_S),
            wait_for_workers=False,
            multi_tenant=True,
        )
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = stores.PrefixStore(f"l4f-bench/{attempt}", server)
        store.set(f"rank {place.rank}", "here")
        while not store.check([f"rank {other}" for other in range(place.world_size)]):
            _wait(deadline)
        store.set_timeout(timedelta(seconds=_COLLECTIVE_S))
        if on_gpu:
            torch.cuda.set_device(place.local_rank)
        backend = "nccl" if on_gpu else "gloo"
        distributed.init_process_group(
            backend, store=store, rank=place.rank, world_size=place.world_size
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise BenchError(
            f"Process {place.rank} of {place.world_size} cannot join the others at "
            f"{place.address}:{place.port} ({str(error).partition(chr(10))[0]:.200}). Start all of "
            "them with torchrun; or run one alone, without RANK and WORLD_SIZE."
        ) from None


def _reach(place: _Place, deadline: float, *, serves: bool) -> None:
    """Wait until the first process's address is known and, unless this is it, answers."""
    while True:
        try:
            if serves:
                socket.getaddrinfo(place.address, place.port)
            else:
                left = max(deadline - time.monotonic(), _RETRY_S)
                socket.create_connection((place.address, place.port), timeout=left).close()
        except OSError:
            _wait(deadline)
        else:
            return


def _wait(deadline: float) -> None:
    if time.monotonic() > deadline:
        raise TimeoutError(f"they did not come within {_JOIN_S:.0f} seconds")
    time.sleep(_RETRY_S)


def _joined() -> bool:
    if "torch" not in sys.modules:  # then nobody can have joined, and a short command stays short
        return False
    from torch import distributed

    return distributed.is_available() and distributed.is_initialized()


def rank() -> int:
    """Number of this process, from 0."""
    if not _joined():
        return 0
    from torch import distributed

    return distributed.get_rank()


def num_processes() -> int:
    """Processes of this run."""
    if not _joined():
        return 1
    from torch import distributed

    return distributed.get_world_size()


def is_first() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0


def shard(items: Rows) -> Rows:
    """This process's share of a sequence, or of the rows of an array or tensor."""
    share: Rows = items[rank() :: num_processes()]
    return share


def mean(value: Tensor) -> Tensor:
    """The mean of every process's ``value``, without gradients."""
    return total(value) / num_processes()


def total(value: Tensor) -> Tensor:
    """The sum of every process's ``value``, without gradients."""
    if not _joined():
        return value.detach()
    from torch import distributed

    result = value.detach().clone()
    distributed.all_reduce(result)
    return result


def joined(rows: Tensor) -> Tensor:
    """Every process's rows, of the same shape everywhere, in the order of ranks; no gradients."""
    if not _joined():
        return rows.detach()
    import torch
    from torch import distributed

    parts = [torch.empty_like(rows) for _ in range(num_processes())]
    distributed.all_gather(parts, rows.detach().contiguous())
    return torch.cat(parts)


def average_gradients(parameters: Iterable[Tensor]) -> None:
    """Average the gradients over the processes, of those parameters that have one.

    For networks of which every step uses another part; the rest call :func:`data_parallel`.
    """
    if not _joined():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad = mean(parameter.grad)


def gathered(value: T) -> list[T]:
    """Every process's ``value``, in the order of their ranks."""
    if not _joined():
        return [value]
    from torch import distributed

    values: list[T | None] = [None] * num_processes()
    distributed.all_gather_object(values, value)
    return cast(list[T], values)


def in_rounds(work: Callable[[int], T], indices: Sequence[int]) -> Iterator[list[T]]:
    """What ``work`` gives for indices, in their order: an index for each process at a time.

    Every process gets the results of all, and must take them to the end.
    """
    for start in range(0, len(indices), num_processes()):
        own = [work(index) for index in shard(indices[start : start + num_processes()])]
        yield list(chain.from_iterable(gathered(own)))


def from_first(value: T) -> T:
    """The first process's ``value``, tensors on the CPU; what the others give is not looked at."""
    if not _joined():
        return value
    from torch import distributed

    # Pickled tensors name their GPU: every process would unpickle them onto the first one's.
    values = [on_cpu(value) if is_first() else value]
    distributed.broadcast_object_list(values, src=0)
    return values[0]


def on_cpu(value: Any) -> Any:
    """A nest of dictionaries, lists and tuples, its tensors on the CPU."""
    from torch import Tensor

    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, Mapping):
        return {key: on_cpu(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(on_cpu(part) for part in value)
    return value


def data_parallel(module: Module) -> Module:
    """A module whose gradients are averaged over the processes; the module itself on one."""
    if not _joined():
        return module
    from torch.nn.parallel import DistributedDataParallel

    # Buffers are the same everywhere. PyTorch 2.13 gave the setting another name.
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    unsynced: dict[str, Any] = {name: False}
    return cast(Module, DistributedDataParallel(module, **unsynced))
