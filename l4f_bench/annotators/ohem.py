"""The published training loss of BiSeNet: cross-entropy on the pixels that are still hard."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

from l4f_bench.annotators.bisenet import Heads
from l4f_bench.distributed import joined, num_processes, rank, total

IGNORE = 255
"""Label of pixels that no class is known for."""

_EASY_LOSS = -math.log(0.7)  # a pixel is easy when its class is given a probability of 0.7
_KEPT_AT_LEAST = 16  # one pixel in so many counts, however easy


def ohem_cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """Mean cross-entropy over the hard pixels of a batch (online hard example mining).

    Hard are the pixels whose class has a probability below 0.7. If they are not more than a
    sixteenth of the batch, the sixteenth with the largest losses is taken; ignored pixels count
    among the pixels of the batch, with a loss of 0.

    Where processes share the batch, hard pixels are those of all shares, which are of one size,
    and the mean of the processes' results is the loss of the whole.

    Args:
        scores: Class scores, float ``[N, num_classes, H, W]``.
        target: Classes, int64 ``[N, H, W]``; 255 for pixels to ignore.

    Returns:
        A float scalar, 0 or more.

    Source: public face-parsing training code (threshold 0.7, n_min = pixels / 16).
    """
    losses = F.cross_entropy(scores, target, ignore_index=IGNORE, reduction="none").flatten()
    num_kept = max(1, losses.numel() * num_processes() // _KEPT_AT_LEAST)
    is_hard = losses > _EASY_LOSS
    num_hard = int(total(is_hard.sum()))
    if num_hard > num_kept:
        own, num_kept = losses[is_hard], num_hard
    else:
        own = _largest(losses, num_kept)
    return own.sum() * num_processes() / num_kept


def _largest(losses: Tensor, num_kept: int) -> Tensor:
    """This process's losses among the largest of all processes."""
    own = losses.topk(min(num_kept, len(losses)), sorted=False).values
    chosen = joined(own).topk(num_kept, sorted=False).indices
    first = rank() * len(own)
    return own[chosen[(chosen >= first) & (chosen < first + len(own))] - first]


def bisenet_loss(heads: Heads, target: Tensor) -> Tensor:
    """Sum of the three heads' losses, equally weighted; arguments as in ``ohem_cross_entropy``."""
    main, context8, context16 = (ohem_cross_entropy(scores, target) for scores in heads)
    return main + context8 + context16
