"""StyleGAN2 as plain formulas on a state dict: an outside truth for what readers return.

Written from the published equations (per-sample weights, separate filters), slow and short.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_ROW = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
_FILTER = torch.outer(_ROW, _ROW)
StateDict = dict[str, Tensor]


def mapping(net: StateDict, z: Tensor) -> Tensor:
    """W [N, w_dim] for z [N, latent_dim]."""
    x = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
    layer = 1
    while f"style.{layer}.weight" in net:
        weight = net[f"style.{layer}.weight"] * (0.01 / math.sqrt(x.shape[1]))
        x = _activate(F.linear(x, weight, net[f"style.{layer}.bias"] * 0.01))
        layer += 1
    return x


def synthesis(net: StateDict, w: Tensor) -> Tensor:
    """Images [N, 3, H, W] for w [N, w_dim], with the stored noise."""
    x = _styled(net, "conv1", net["input.input"].expand(len(w), -1, -1, -1), w, "noise_0", up=False)
    image = _to_rgb(net, "to_rgb1", x, w)
    block = 0
    while f"to_rgbs.{block}.bias" in net:
        x = _styled(net, f"convs.{2 * block}", x, w, f"noise_{2 * block + 1}", up=True)
        x = _styled(net, f"convs.{2 * block + 1}", x, w, f"noise_{2 * block + 2}", up=False)
        image = _upsample(image) + _to_rgb(net, f"to_rgbs.{block}", x, w)
        block += 1
    return image


def discriminate(net: StateDict, image: Tensor) -> Tensor:
    """Scores [N, 1] for images [N, 3, H, W] in [-1, 1]."""
    x = _activate(_conv(image, net["convs.0.0.weight"]) + _bias(net["convs.0.1.bias"]))
    block = 1
    while f"convs.{block}.conv1.0.weight" in net:
        name = f"convs.{block}"
        y = _conv(x, net[f"{name}.conv1.0.weight"], padding=1)
        y = _activate(y + _bias(net[f"{name}.conv1.1.bias"]))
        y = _conv(_filtered(y, (2, 2)), net[f"{name}.conv2.1.weight"], stride=2)
        y = _activate(y + _bias(net[f"{name}.conv2.2.bias"]))
        skip = _conv(_filtered(x, (1, 1)), net[f"{name}.skip.1.weight"], stride=2)
        x = (y + skip) / math.sqrt(2)
        block += 1
    group = min(4, len(x))
    spread = x.view(group, -1, *x.shape[1:]).var(0, unbiased=False).add(1e-8).sqrt()
    spread = spread.mean((1, 2, 3)).repeat(group).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
    x = _conv(torch.cat([x, spread], 1), net["final_conv.0.weight"], padding=1)
    x = _activate(x + _bias(net["final_conv.1.bias"])).flatten(1)
    for index in (0, 1):
        weight = net[f"final_linear.{index}.weight"]
        x = F.linear(x, weight / math.sqrt(weight.shape[1]), net[f"final_linear.{index}.bias"])
        x = _activate(x) if index == 0 else x
    return x


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def _bias(bias: Tensor) -> Tensor:
    return bias.view(1, -1, 1, 1)


def _conv(x: Tensor, weight: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
    gain = 1 / math.sqrt(weight[0].numel())
    return F.conv2d(x, weight * gain, stride=stride, padding=padding)


def _filtered(x: Tensor, padding: tuple[int, int], gain: float = 1.0) -> Tensor:
    N, C, H, W = x.shape
    x = F.pad(x.reshape(N * C, 1, H, W), (*padding, *padding))
    x = F.conv2d(x, _FILTER[None, None] * gain)
    return x.view(N, C, *x.shape[2:])


def _upsample(x: Tensor) -> Tensor:
    N, C, H, W = x.shape
    spread = x.new_zeros(N, C, 2 * H, 2 * W)
    spread[:, :, ::2, ::2] = x
    return _filtered(spread, (2, 1), gain=4.0)


def _modulated(net: StateDict, name: str, x: Tensor, w: Tensor, *, up: bool, demod: bool) -> Tensor:
    affine = net[f"{name}.modulation.weight"] / math.sqrt(w.shape[1])
    style = F.linear(w, affine, net[f"{name}.modulation.bias"])
    raw = net[f"{name}.weight"][0]
    images = []
    for features, scale in zip(x, style, strict=True):
        weight = raw / math.sqrt(raw[0].numel()) * scale.view(1, -1, 1, 1)
        if demod:
            weight = weight * torch.rsqrt(weight.square().sum((1, 2, 3), keepdim=True) + 1e-8)
        if up:
            y = F.conv_transpose2d(features[None], weight.transpose(0, 1), stride=2)
            images.append(_filtered(y, (1, 1), gain=4.0))
        else:
            images.append(F.conv2d(features[None], weight, padding=weight.shape[-1] // 2))
    return torch.cat(images)


def _styled(net: StateDict, name: str, x: Tensor, w: Tensor, noise: str, *, up: bool) -> Tensor:
    x = _modulated(net, f"{name}.conv", x, w, up=up, demod=True)
    x = x + net[f"{name}.noise.weight"] * net[f"noises.{noise}"]
    return _activate(x + _bias(net[f"{name}.activate.bias"]))


def _to_rgb(net: StateDict, name: str, x: Tensor, w: Tensor) -> Tensor:
    x = _modulated(net, f"{name}.conv", x, w, up=False, demod=False)
    return x + net[f"{name}.bias"]
