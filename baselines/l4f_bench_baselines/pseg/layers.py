"""Layers of StyleGAN's first version, with the key names of the public PSeg checkpoints.

Weights are stored at unit variance and scaled at run time by sqrt(2 / fan-in).
Source: StyleGAN (CVPR 2019); key names as in adambielski/perturbed-seg.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.generators.layers import fir_kernel

FUSED_FROM = 128
"""Side in pixels from which resampling and convolution are one operation."""


class Scaled(nn.Module):
    """Bias and weight of one layer; the weight is scaled whenever it is used."""

    def __init__(self, *shape: int) -> None:
        """Normal weights of ``shape``, outputs first, and a bias of zeros."""
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        self.weight_orig = nn.Parameter(torch.randn(shape))
        self.scale = math.sqrt(2 / math.prod(shape[1:]))

    @property
    def weight(self) -> Tensor:
        """The weight to compute with."""
        return self.weight_orig * self.scale


class EqualConv2d(nn.Module):
    """Convolution with bias."""

    def __init__(self, num_inputs: int, num_outputs: int, side: int, *, padding: int = 0) -> None:
        super().__init__()
        self.conv = Scaled(num_outputs, num_inputs, side, side)
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``[N, num_inputs, H, W]``."""
        return F.conv2d(x, self.conv.weight, self.conv.bias, padding=self.padding)


class Upsample(EqualConv2d):
    """Nearest neighbours at twice the height and width, then a 3x3 convolution.

    One transposed convolution with the sums of the weights that meet the same pixel gives the same
    numbers with fewer products.
    """

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__(num_inputs, num_outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, 2 H, 2 W]``."""
        kernel = 4 * _averaged(self.conv.weight.flip(2, 3).transpose(0, 1))
        return F.conv_transpose2d(x, kernel, self.conv.bias, stride=2, padding=1)


class Downsample(EqualConv2d):
    """A 3x3 convolution, then the means of 2x2 pixels; as one convolution."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__(num_inputs, num_outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, H / 2, W / 2]``."""
        return F.conv2d(x, _averaged(self.conv.weight), self.conv.bias, stride=2, padding=1)


def _averaged(kernel: Tensor) -> Tensor:
    """A kernel ``[..., 3, 3]`` averaged over 2x2 positions, ``[..., 4, 4]``."""
    return F.avg_pool2d(F.pad(kernel, (1, 1, 1, 1)), 2, stride=1)


class EqualLinear(nn.Module):
    """Linear layer."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.linear = Scaled(num_outputs, num_inputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs]`` to ``[N, num_outputs]``."""
        return F.linear(x, self.linear.weight, self.linear.bias)


class Blur(nn.Module):
    """Low-pass filter on each channel.

    The kernels are buffers because checkpoints carry them; being symmetric, one is enough.
    """

    weight: Tensor

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        kernel = fir_kernel((1.0, 2.0, 1.0)).repeat(num_channels, 1, 1, 1)
        self.register_buffer("weight", kernel)
        self.register_buffer("weight_flip", kernel.flip(2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``[N, num_channels, H, W]``."""
        return F.conv2d(x, self.weight, padding=1, groups=len(self.weight))


class _Fused(nn.Module):
    """A 3x3 convolution that resamples by 2: its kernel is averaged over 2x2 pixels."""

    def __init__(self, num_outputs: int, *shape: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(shape))
        self.bias = nn.Parameter(torch.zeros(num_outputs))

    def kernel(self, num_inputs: int) -> Tensor:
        """The kernel ``[..., 4, 4]``."""
        return _averaged(self.weight * math.sqrt(2 / (num_inputs * 9)))


class FusedUpsample(_Fused):
    """Twice the height and width, and a convolution."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__(num_outputs, num_inputs, num_outputs, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, 2 H, 2 W]``."""
        return F.conv_transpose2d(x, self.kernel(x.shape[1]), self.bias, stride=2, padding=1)


class FusedDownsample(_Fused):
    """A convolution, and half the height and width."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__(num_outputs, num_outputs, num_inputs, 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, H / 2, W / 2]``."""
        return F.conv2d(x, self.kernel(x.shape[1]), self.bias, stride=2, padding=1)


class AdaIN(nn.Module):
    """Each channel normalised, then scaled and moved as the style says."""

    def __init__(self, num_channels: int, code_dim: int) -> None:
        """Start with scales of 1 and no movement."""
        super().__init__()
        self.style = EqualLinear(code_dim, 2 * num_channels)
        with torch.no_grad():
            self.style.linear.bias[:num_channels] = 1

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Restyle ``[N, num_channels, H, W]`` by ``w`` ``[N, code_dim]``."""
        gamma, beta = self.style(w)[:, :, None, None].chunk(2, dim=1)
        restyled: Tensor = gamma * F.instance_norm(x, eps=1e-5) + beta
        return restyled


class NoiseStrength(nn.Module):
    """How much of the noise each channel takes."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.weight_orig = nn.Parameter(torch.zeros(1, num_channels, 1, 1))
        self.scale = math.sqrt(2 / num_channels)

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Add ``noise`` ``[N, 1, H, W]`` to ``[N, num_channels, H, W]``."""
        return x + self.weight_orig * self.scale * noise


class Constant(nn.Module):
    """The learned 4x4 image that every image begins with."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, num_channels, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, num_channels, 4, 4]``, as many as ``x`` has rows."""
        return self.input.expand(len(x), -1, -1, -1)
