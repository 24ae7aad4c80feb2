"""One run on many processes, as torchrun starts them; on one process everything is a no-op.

Work is dealt out by stride: of n processes, process r takes items r, r + n, r + 2n, … A batch that
the discriminator's statistic divides into groups keeps its groups whole that way.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from l4f_bench.errors import BenchError

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
Rows = TypeVar("Rows", bound="_Sliceable")
Module = TypeVar("Module", bound="nn.Module")


class _Sliceable(Protocol):
    def __getitem__(self, key: slice, /) -> Any: ...


@contextmanager
def processes(device: str | None = None) -> Iterator[None]:
    """Join the processes that torchrun started, until the block ends.

    Args:
        device: What was asked for; each process takes its own GPU unless that is ``cpu``.

    Raises:
        BenchError: Another process has failed, which says itself why.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    import torch
    from torch import distributed

    on_gpu = torch.cuda.is_available() and device != "cpu"
    if on_gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    try:
        yield
    except RuntimeError as error:
        if not (isinstance(error, distributed.DistError) or "gloo" in str(error)):
            raise
        raise BenchError(
            f"Process {rank()} lost contact with the others. Another one's message, if there is "
            "any, says why."
        ) from None
    finally:
        distributed.destroy_process_group()


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
    if not _joined():
        return value.detach()
    from torch import distributed

    total = value.detach().clone()
    distributed.all_reduce(total)
    return total / num_processes()


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

    # Buffers are constants, the same everywhere. PyTorch 2.13 gave the setting another name.
    known = inspect.signature(DistributedDataParallel).parameters
    name = "forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"
    unsynced: dict[str, Any] = {name: False}
    return cast(Module, DistributedDataParallel(module, **unsynced))
