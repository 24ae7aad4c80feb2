"""How many samples are made at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from l4f_bench.blocks import index_blocks
from l4f_bench.distributed import gathered
from l4f_bench.methods.contracts import GenerativeMethod, Samples, join_samples, rows_of

_SHARE_OF_MEMORY = 0.6  # leaves room for temporaries and what the allocator keeps
_MODEST = 8  # of a method that does not say where it computes, or what an image takes


def samples_per_batch(method: GenerativeMethod, wanted: int | None) -> int:
    """The batch size asked for, or for None one that fits the device's free memory.

    It is one of whole blocks, so that none is computed twice; for None on a CPU one block. All
    processes get the same, since they take their samples round by round.
    """
    block = getattr(method, "block_size", 1)
    if wanted is None:
        wanted = _fitting(method, block)
    return block * -(-wanted // block)


def _fitting(method: GenerativeMethod, block: int) -> int:
    device, num_bytes = getattr(method, "device", None), getattr(method, "bytes_per_image", None)
    if device is None:
        return _MODEST
    place = torch.device(device)
    if place.type != "cuda":
        return block
    if num_bytes is None:
        return _MODEST
    free, _ = torch.cuda.mem_get_info(place)
    fitting = max(1, min(64, int(_SHARE_OF_MEMORY * free / num_bytes)) // block)
    return block * min(gathered(fitting))


def sampled_in_blocks(
    make: Callable[[Sequence[int]], Samples], indices: Sequence[int], size: int
) -> Samples:
    """Samples of some indices, each of them made in the block of its index.

    Args:
        make: Gives the samples of a block.
        indices: Which are wanted, in any order; one alone costs its block.
        size: Samples of a block.
    """
    parts = []
    for block, rows in index_blocks(indices, size):
        made = make(block)
        parts.append(made if rows == list(range(size)) else rows_of(made, rows))
    return parts[0] if len(parts) == 1 else join_samples(parts)
