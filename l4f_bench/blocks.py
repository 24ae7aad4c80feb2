"""Blocks: how many images a network computes together.

Kernels round differently for another number of images, so a network of ours always computes the
same number, whoever asks for how many: an image's bits do not depend on the batch size, the number
of processes or a resume. Small images go through in blocks, which is several times as fast; large
ones stay single.

Beyond the block, bits depend on what is pinned in the networks: the layout of memory (channels
last), by which oneDNN and cuDNN choose their kernels. Commands compute small images on one thread
each (:mod:`l4f_bench.cores`), so the number of threads does not matter there; of large ones, and
where a method is called from Python, it may move the last bits, as another processor or another
PyTorch may.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

_PIXELS = {"cpu": 256**2, "cuda": 1024**2}
"""A block has about as many, on each kind of device (benchmarks/cores.py)."""
_MOST = {"cpu": 16, "cuda": 64}


def block_size(side: int, device: torch.device) -> int:
    """Images of a block, a power of two: on a CPU 16 of up to 64 pixels, 4 of 128, 1 of 256.

    Args:
        side: Of the images in pixels.
        device: Where they are computed.
    """
    kind = "cuda" if device.type == "cuda" else "cpu"
    size = 1
    while size < _MOST[kind] and 2 * size * side**2 <= _PIXELS[kind]:
        size *= 2
    return size


def index_blocks(indices: Sequence[int], size: int) -> Iterator[tuple[range, list[int]]]:
    """Blocks that hold some indices, each with the rows of it that are meant, in the order asked.

    Args:
        indices: 0 or more.
        size: Indices of a block: the first is 0 to ``size - 1``.
    """
    for number, members in groupby(indices, key=lambda index: index // size):
        first = number * size
        yield range(first, first + size), [index - first for index in members]


def in_blocks(compute: Callable[[Tensor], Tensor], rows: Tensor, size: int) -> Tensor:
    """What ``compute`` makes of rows ``[N, ...]``, of which it always gets ``size``.

    For what has no index: which other rows are in a block does not change a row's bits, only their
    number does. The last block is filled up with its last row.
    """
    import torch

    found = []
    for block in torch.split(rows, size):
        missing = size - len(block)
        if missing:
            filled = torch.cat([block, block[-1:].expand(missing, *block.shape[1:])])
            found.append(compute(filled)[: len(block)])
        else:
            found.append(compute(block))
    return found[0] if len(found) == 1 else torch.cat(found)
