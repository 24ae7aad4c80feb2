"""Generator, alpha network and discriminator the way the public code computes them, to compare.

One set of weights per image in a grouped convolution, resampling filters as passes of their own
over single-channel images, every feature kept until the alpha network reads them all. No gradient
is needed to sample, nothing is slower than the published formulation makes it. NVIDIA's code
filters depthwise where there is no GPU, which is faster: ``depthwise`` is for comparing with that.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

Weights = Mapping[str, Tensor]


def published_mapping(weights: Weights, z: Tensor) -> Tensor:
    """Latents w ``[N, w_dim]`` of z; learning rates are a hundredth of the others'."""
    x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    for layer in range(1, 1 + sum(key.startswith("style.") for key in weights) // 2):
        weight, bias = weights[f"style.{layer}.weight"], weights[f"style.{layer}.bias"]
        x = F.linear(x, weight * (0.01 / math.sqrt(weight.shape[1])))
        x = F.leaky_relu(x + bias * 0.01, 0.2) * math.sqrt(2)
    return x


def published_generator(
    weights: Weights, w: Tensor, *, background: bool = False, depthwise: bool = False
) -> tuple[Tensor, list[Tensor]]:
    """Images ``[N, 3, S, S]`` and all features of latents ``[N, w_dim]``, with fixed noise.

    With ``background`` the first styled convolution gives zeros.
    """
    x = weights["input.input"].repeat(len(w), 1, 1, 1)
    x = _styled_conv(weights, "conv1", x, w, weights["noises.noise_0"], depthwise=depthwise)
    if background:
        x = torch.zeros_like(x)
    features, image = [x], _to_rgb(weights, "to_rgb1", x, w, None, depthwise=depthwise)
    num_blocks = sum(key.endswith("upsample.kernel") for key in weights)
    for block in range(num_blocks):
        for layer in (2 * block, 2 * block + 1):
            noise = weights[f"noises.noise_{layer + 1}"]
            x = _styled_conv(weights, f"convs.{layer}", x, w, noise, depthwise=depthwise)
            features.append(x)
        image = _to_rgb(weights, f"to_rgbs.{block}", x, w, image, depthwise=depthwise)
    return image, features


def published_alpha(weights: Weights, features: list[Tensor]) -> Tensor:
    """Alpha ``[N, 1, S, S]`` of the features that the ``bg_extractor`` layout reads."""
    num_levels = sum(key.startswith("conv_fns0.") and key.endswith("weight") for key in weights)
    features = features[-2 * num_levels :]

    def conv(name: str, x: Tensor) -> Tensor:
        return F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])

    pairs = [
        torch.cat([conv(f"conv_fns{i}.{level}", features[2 * level + i]) for i in (0, 1)], 1)
        for level in range(num_levels)
    ]
    x = _bicubic(pairs[0])
    for level, pair in enumerate(pairs[1:-1]):
        merged = conv(f"conv_merge_fns.{level}", torch.cat([pair, x], 1))
        x = _bicubic(F.leaky_relu(merged, 0.2))
    return torch.sigmoid(conv("conv_n", pairs[-1] + x))


def published_discriminator(weights: Weights, images: Tensor) -> Tensor:
    """Scores ``[N, 1]`` of images; the batch statistic is over groups of 4 or fewer."""
    x = _activate(weights, "convs.0.1.bias", _conv(weights, "convs.0.0.weight", images))
    for block in range(1, 1 + sum(key.endswith("skip.1.weight") for key in weights)):
        name = f"convs.{block}"
        y = _conv(weights, f"{name}.conv1.0.weight", x, padding=1)
        y = _activate(weights, f"{name}.conv1.1.bias", y)
        y = upfirdn2d(y, weights[f"{name}.conv2.0.kernel"], up=1, pad=(2, 2))
        y = _conv(weights, f"{name}.conv2.1.weight", y, stride=2)
        y = _activate(weights, f"{name}.conv2.2.bias", y)
        skip = upfirdn2d(x, weights[f"{name}.skip.0.kernel"], up=1, pad=(1, 1))
        x = (y + _conv(weights, f"{name}.skip.1.weight", skip, stride=2)) / math.sqrt(2)
    group = min(len(x), 4)
    spread = x.view(group, -1, *x.shape[1:]).var(0, unbiased=False).add(1e-8).sqrt()
    spread = spread.mean((1, 2, 3)).repeat(group).view(-1, 1, 1, 1)
    x = torch.cat([x, spread.expand(-1, 1, *x.shape[2:])], 1)
    x = _conv(weights, "final_conv.0.weight", x, padding=1)
    x = _activate(weights, "final_conv.1.bias", x).flatten(1)
    first, last = weights["final_linear.0.weight"], weights["final_linear.1.weight"]
    x = F.linear(x, first / math.sqrt(first.shape[1]), weights["final_linear.0.bias"])
    x = F.leaky_relu(x, 0.2) * math.sqrt(2)
    return F.linear(x, last / math.sqrt(last.shape[1]), weights["final_linear.1.bias"])


def _conv(weights: Weights, name: str, x: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    weight = weights[name]
    scale = 1 / math.sqrt(weight[0].numel())
    return F.conv2d(x, weight * scale, stride=stride, padding=padding)


def _activate(weights: Weights, bias: str, x: Tensor) -> Tensor:
    return F.leaky_relu(x + weights[bias].view(1, -1, 1, 1), 0.2) * math.sqrt(2)


def _styled_conv(
    weights: Weights, name: str, x: Tensor, w: Tensor, noise: Tensor, *, depthwise: bool
) -> Tensor:
    x = _modulated_conv(weights, f"{name}.conv", x, w, demodulate=True, depthwise=depthwise)
    x = x + weights[f"{name}.noise.weight"] * noise
    x = x + weights[f"{name}.activate.bias"].view(1, -1, 1, 1)
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def _to_rgb(
    weights: Weights, name: str, x: Tensor, w: Tensor, image: Tensor | None, *, depthwise: bool
) -> Tensor:
    rgb = _modulated_conv(weights, f"{name}.conv", x, w, demodulate=False, depthwise=depthwise)
    rgb = rgb + weights[f"{name}.bias"]
    if image is None:
        return rgb
    kernel = weights[f"{name}.upsample.kernel"]
    return rgb + upfirdn2d(image, kernel, up=2, pad=(2, 1), depthwise=depthwise)


def _modulated_conv(
    weights: Weights, name: str, x: Tensor, w: Tensor, *, demodulate: bool, depthwise: bool
) -> Tensor:
    """Convolution with a weight per image, as one grouped convolution over the batch."""
    num, _, height, width = x.shape
    weight = weights[f"{name}.weight"]  # [1, C_out, C_in, k, k]
    _, num_out, num_in, side, _ = weight.shape
    affine, bias = weights[f"{name}.modulation.weight"], weights[f"{name}.modulation.bias"]
    style = F.linear(w, affine / math.sqrt(w.shape[1]), bias)  # [N, C_in]
    scale = 1 / math.sqrt(num_in * side**2)
    weight = scale * weight * style.view(num, 1, num_in, 1, 1)  # [N, C_out, C_in, k, k]
    if demodulate:
        factor = torch.rsqrt(weight.square().sum((2, 3, 4)) + 1e-8)
        weight = weight * factor.view(num, num_out, 1, 1, 1)
    x = x.reshape(1, num * num_in, height, width)
    if f"{name}.blur.kernel" in weights:
        weight = weight.transpose(1, 2).reshape(num * num_in, num_out, side, side)
        x = F.conv_transpose2d(x, weight, stride=2, groups=num)
        x = x.view(num, num_out, *x.shape[2:])
        kernel = weights[f"{name}.blur.kernel"]
        return upfirdn2d(x, kernel, up=1, pad=(1, 1), depthwise=depthwise)
    weight = weight.view(num * num_out, num_in, side, side)
    x = F.conv2d(x, weight, padding=side // 2, groups=num)
    return x.view(num, num_out, height, width)


def upfirdn2d(
    x: Tensor, kernel: Tensor, *, up: int, pad: tuple[int, int], depthwise: bool = False
) -> Tensor:
    """Insert zeros, pad, and filter every channel: as an image of its own, or all depthwise."""
    num, channels, height, width = x.shape
    x = x.reshape(num, channels, height, 1, width, 1)
    x = F.pad(x, (0, up - 1, 0, 0, 0, up - 1))
    x = F.pad(x.view(num, channels, height * up, width * up), (*pad, *pad))
    weight = kernel.flip(0, 1)[None, None]
    if depthwise:
        return F.conv2d(x, weight.repeat(channels, 1, 1, 1), groups=channels)
    x = F.conv2d(x.view(num * channels, 1, *x.shape[2:]), weight)
    return x.view(num, channels, *x.shape[2:])


def _bicubic(x: Tensor) -> Tensor:
    size = 2 * x.shape[-1]
    return F.interpolate(x, size=(size, size), mode="bicubic", align_corners=True)
