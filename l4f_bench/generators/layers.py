"""Layers of StyleGAN2, in plain PyTorch, with the parameter names of the rosinality layout.

Weights are stored at unit variance and scaled at run time (equalised learning rate). Activations
are leaky ReLUs of slope 0.2 with gain sqrt(2).
Source: StyleGAN2 (CVPR 2020), appendix B; key names as in rosinality/stylegan2-pytorch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SLOPE = 0.2
GAIN = math.sqrt(2)
TAPS = (1.0, 3.0, 3.0, 1.0)
"""Low-pass filter of all resampling."""


def fir_kernel(taps: Sequence[float] = TAPS, gain: float = 1.0) -> Tensor:
    """Separable low-pass kernel, float32 ``[len(taps), len(taps)]``, summing to ``gain``."""
    row = torch.tensor(taps, device="cpu")  # even where a network is built without memory
    kernel = row[:, None] * row[None, :]
    return kernel * (gain / kernel.sum())


def activate(x: Tensor, bias: Tensor, clamp: float | None = None) -> Tensor:
    """Add a bias per channel, leaky ReLU with gain, and clamp to ``[-clamp, clamp]``."""
    x = F.leaky_relu(x + bias.view(1, -1, *[1] * (x.ndim - 2)), SLOPE) * GAIN
    return x if clamp is None else x.clamp(-clamp, clamp)


class PixelNorm(nn.Module):
    """Divide each latent by its root mean square."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``[N, C]``."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    """Linear layer whose weight and bias are scaled at run time."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        *,
        bias_init: float = 0.0,
        lr_multiplier: float = 1.0,
        activation: bool = False,
    ) -> None:
        super().__init__()
        start = torch.empty(num_outputs, num_inputs).normal_(std=1 / lr_multiplier)
        self.weight = nn.Parameter(start)
        self.bias = nn.Parameter(torch.full((num_outputs,), float(bias_init)))
        self.scale = lr_multiplier / math.sqrt(num_inputs)
        self.lr_multiplier = lr_multiplier
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs]`` to ``[N, num_outputs]``."""
        # Scaling the input instead of the weight touches fewer numbers.
        x = F.linear(x * self.scale, self.weight)
        bias = self.bias * self.lr_multiplier
        return activate(x, bias) if self.activation else x + bias


class EqualConv2d(nn.Module):
    """Convolution without bias whose weight is scaled at run time."""

    def __init__(
        self, num_inputs: int, num_outputs: int, side: int, *, stride: int = 1, padding: int = 0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_outputs, num_inputs, side, side))
        self.scale = 1 / math.sqrt(num_inputs * side**2)
        self.stride, self.padding = stride, padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``[N, num_inputs, H, W]``."""
        return F.conv2d(x, self.weight * self.scale, stride=self.stride, padding=self.padding)


class BiasActivation(nn.Module):
    """Bias per channel, then the activation."""

    def __init__(self, num_channels: int, clamp: float | None = None) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.clamp = clamp

    def forward(self, x: Tensor) -> Tensor:
        """Activate ``[N, num_channels, ...]``."""
        return activate(x, self.bias, self.clamp)


class Fir(nn.Module):
    """Low-pass filter on each channel: blurs, or resamples by 2 at the same time.

    The kernel is a buffer because checkpoints carry it.
    """

    kernel: Tensor

    def __init__(
        self, *, gain: float = 1.0, padding: int = 0, stride: int = 1, upsample: bool = False
    ) -> None:
        super().__init__()
        self.register_buffer("kernel", fir_kernel(gain=gain))
        self.padding, self.stride, self.upsample = padding, stride, upsample

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Filter ``[N, C, H, W]``; ``bias`` ``[C]`` is added afterwards."""
        num_channels = x.shape[1]
        if self.upsample:  # zero insertion and filtering in one
            weight = self._per_channel(self.kernel, num_channels)
            return F.conv_transpose2d(
                x, weight, bias, stride=2, padding=self.padding, groups=num_channels
            )
        # conv2d correlates; filtering means convolution with the kernel.
        weight = self._per_channel(self.kernel.flip(0, 1), num_channels)
        return F.conv2d(x, weight, bias, self.stride, self.padding, groups=num_channels)

    @staticmethod
    def _per_channel(kernel: Tensor, num_channels: int) -> Tensor:
        return kernel.expand(num_channels, 1, *kernel.shape).contiguous()


class ModulatedConv2d(nn.Module):
    """Convolution whose weights are scaled per image by a style, and normalised again.

    Scaling the weights of one image equals scaling its input channels before, and its output
    channels after, one convolution shared by all images. Whichever of the two touches fewer
    numbers is computed.
    """

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        side: int,
        w_dim: int,
        *,
        demodulate: bool = True,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, num_outputs, num_inputs, side, side))
        if upsample:
            self.blur = Fir(gain=4.0, padding=1)
        self.modulation = EqualLinear(w_dim, num_inputs, bias_init=1.0)
        self.scale = 1 / math.sqrt(num_inputs * side**2)
        self.demodulate, self.upsample = demodulate, upsample
        self.padding = side // 2

    def forward(self, x: Tensor, w: Tensor, gain: float = 1.0) -> Tensor:
        """Convolve ``[N, num_inputs, H, W]`` under the latents ``w`` ``[N, w_dim]``.

        Args:
            x: Input.
            w: One latent per image.
            gain: Factor on the output.

        Returns:
            ``[N, num_outputs, H, W]``, or twice the height and width when up-sampling.
        """
        style = self.modulation(w) * self.scale  # [N, num_inputs]
        factor = self._output_factor(style, gain)  # [N or 1, num_outputs]
        weight = self.weight[0]
        if len(x) == 1 and weight.numel() < x.numel():
            weight = weight * style.view(1, -1, 1, 1) * factor.view(-1, 1, 1, 1)
            return self._convolve(x, weight)
        if torch.is_grad_enabled():
            return self._convolve(x * style[:, :, None, None], weight) * factor[:, :, None, None]
        # Under autocast factors are rounded first: mixed types would be brought to one in passes
        # of their own.
        x = self._convolve(x * style[:, :, None, None].to(x.dtype), weight)
        return x.mul_(factor[:, :, None, None].to(x.dtype))

    def _output_factor(self, style: Tensor, gain: float) -> Tensor:
        """Factor of each output channel ``[N, num_outputs]``: gain, and 1 / norm of its weights."""
        weight = self.weight[0]
        if not self.demodulate:
            return style.new_full((1, len(weight)), gain)
        if torch.is_grad_enabled():
            squares = weight.square().sum(dim=(2, 3))  # [num_outputs, num_inputs]
        else:  # in one pass, but its second derivative is undefined at 0
            squares = torch.linalg.vector_norm(weight, dim=(2, 3)).square_()
        return torch.rsqrt(style.square() @ squares.T + 1e-8) * gain

    def _convolve(self, x: Tensor, weight: Tensor) -> Tensor:
        if not self.upsample:
            return F.conv2d(x, weight, padding=self.padding)
        x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # [N, C, 2H + 1, 2W + 1]
        blurred: Tensor = self.blur(x)
        return blurred


class NoiseInjection(nn.Module):
    """The learned strength of a layer's noise."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, noise: Tensor) -> Tensor:
        """Add ``noise`` ``[N or 1, 1, H, W]`` to all channels of ``x``."""
        return x + self.weight * noise


class StyledConv(nn.Module):
    """Modulated convolution, noise, bias and activation."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        w_dim: int,
        *,
        upsample: bool = False,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(num_inputs, num_outputs, 3, w_dim, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = BiasActivation(num_outputs, clamp)

    def forward(self, x: Tensor, w: Tensor, noise: Tensor | None) -> Tensor:
        """One layer; ``noise`` is ``[N or 1, 1, H, W]``, or None for none."""
        # The gain of the activation goes in front of it, where it costs no extra pass:
        # leaky ReLU commutes with positive factors.
        x = self.conv(x, w, gain=GAIN)
        shift = self.activate.bias.view(1, -1, 1, 1) * GAIN
        strength = self.noise.weight * GAIN
        if torch.is_grad_enabled():
            x = F.leaky_relu(x + shift if noise is None else x + shift + strength * noise, SLOPE)
        else:
            x = x.add_(shift.to(x.dtype))
            x = x if noise is None else x.add_((strength * noise).to(x.dtype))
            x = F.leaky_relu_(x, SLOPE)
        clamp = self.activate.clamp
        return x if clamp is None else x.clamp(-clamp, clamp)


class ToRGB(nn.Module):
    """Image of one resolution, added to the up-sampled one of the resolution below."""

    def __init__(
        self,
        num_inputs: int,
        num_outputs: int,
        w_dim: int,
        *,
        upsample: bool = True,
        clamp: float | None = None,
    ) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1, num_outputs, 1, 1))
        if upsample:
            self.upsample = Fir(gain=4.0, padding=1, upsample=True)
        self.conv = ModulatedConv2d(num_inputs, num_outputs, 1, w_dim, demodulate=False)
        self.clamp = clamp

    def forward(self, x: Tensor, w: Tensor, below: Tensor | None = None) -> Tensor:
        """Add this resolution's image ``[N, num_outputs, H, W]`` to ``below``."""
        conv = self.conv
        weight = conv.weight[0, :, :, 0, 0] * conv.scale * conv.modulation(w)[:, None]
        # [N, H * W, C] @ [N, C, 3]: a few output channels are a matrix product, not a convolution.
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2) @ weight.transpose(1, 2)
        image: Tensor = pixels.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2) + self.bias
        if self.clamp is not None:
            image = image.clamp(-self.clamp, self.clamp)
        return image if below is None else image + self.upsample(below)
