"""Batch normalisation over the shares of all processes, so that these train as one would."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from l4f_bench.distributed import mean, num_processes


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation by the statistics of every process's share, which are of one size.

    PyTorch's own (``SyncBatchNorm``) needs GPUs. Keys are those of the layer that it stands for.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C, H, W]``; in eval mode as the layer that it stands for."""
        if not self.training:
            return super().forward(x)
        features = x.float()
        means: Tensor = _Mean.apply(features.mean((0, 2, 3)))
        centred = features - means[:, None, None]
        variances: Tensor = _Mean.apply(centred.square().mean((0, 2, 3)))
        self._remember(means, variances, num_processes() * x.numel() // x.shape[1])
        scale = self.weight * (variances + self.eps).rsqrt()
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, means: Tensor, variances: Tensor, count: int) -> None:
        """Move the running statistics towards those of ``count`` values a channel."""
        running_mean, running_var = self.running_mean, self.running_var
        assert running_mean is not None
        assert running_var is not None
        assert self.momentum is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        running_mean.lerp_(means, self.momentum)
        running_var.lerp_(variances * (count / (count - 1)), self.momentum)


def share_statistics(network: nn.Module) -> None:
    """Make the batch normalisation of a network that of all processes; a no-op on one."""
    if num_processes() == 1:
        return
    for name, child in network.named_children():
        if isinstance(child, nn.BatchNorm2d):
            shared = SharedBatchNorm2d(child.num_features, eps=child.eps, momentum=child.momentum)
            shared.load_state_dict(child.state_dict())
            setattr(network, name, shared)
        else:
            share_statistics(child)


class _Mean(torch.autograd.Function):
    """The mean over the processes.

    Backwards every process's loss counts, each with the share that this value had in the mean:
    averaging the weights' gradients afterwards gives those of the mean loss.
    """

    @staticmethod
    def forward(context: Any, value: Tensor) -> Tensor:
        return mean(value)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        return mean(gradients[0])
