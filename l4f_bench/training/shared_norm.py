"""Batch normalisation whose statistics are of the whole batch, over all processes of a run.

PyTorch's own SyncBatchNorm computes on GPUs only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l4f_bench.distributed import num_processes


class SharedBatchNorm2d(nn.BatchNorm2d):
    """The same as :class:`torch.nn.BatchNorm2d`, with the same keys; every share is as large."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]``."""
        if not self.training or num_processes() == 1:
            return super().forward(x)
        mean, square = _averaged(torch.stack([x.mean((0, 2, 3)), x.square().mean((0, 2, 3))]))
        variance = (square - mean.square()).clamp(min=0)
        self._count(mean.detach(), variance.detach(), num_processes() * x.numel() // x.shape[1])
        scale = torch.rsqrt(variance + self.eps) * self.weight
        shift = self.bias - mean * scale
        normalised: Tensor = x * scale.view(1, -1, 1, 1) + shift.view(1, -1, 1, 1)
        return normalised

    @torch.no_grad()
    def _count(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Let the running statistics follow, as PyTorch's do."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance * count / max(count - 1, 1), self.momentum)


def share_statistics(network: nn.Module) -> None:
    """Give all batch normalisations of a new network shared statistics, in place."""
    for name, child in network.named_children():
        if type(child) is nn.BatchNorm2d:
            setattr(network, name, SharedBatchNorm2d(child.num_features))
        share_statistics(child)


def _averaged(value: Tensor) -> Tensor:
    """The mean of all processes' values, through which gradients pass.

    The gradient of a process's loss by its value comes from all losses; each is averaged over the
    processes afterwards, so the sum is due here.
    """
    from torch.distributed.nn.functional import all_reduce

    total: Tensor = all_reduce(value)  # type: ignore[no-untyped-call]
    return total / num_processes()
