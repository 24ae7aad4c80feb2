"""BiSeNet as published for face parsing, at any width and number of classes.

A ResNet-18 gives features at strides 8, 16 and 32. The context path refines the two deeper ones by
channel attention and brings them up to stride 8; the fusion joins the result with the backbone's
own stride-8 feature, which stands where the original design has a spatial path.
Source: BiSeNet (ECCV 2018), in the form of the public face-parsing network; its key names.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.annotators.contracts import Normalisation, ParsingNetwork
from l4f_bench.errors import InputError
from l4f_bench.tensors import StateDict, network_of, shape_of

_BASE = 64  # channels after the first convolution at width 1
_MAX_CHANNELS = 4 * _BASE  # a file cannot make us build more than 16 times the published network
_MAX_CLASSES = 255  # classes are stored as bytes, and 255 marks pixels to ignore
_FIRST, _LAST = "cp.resnet.conv1.weight", "conv_out.conv_out.weight"


class Heads(NamedTuple):
    """Class scores at the input's size, float ``[N, num_classes, H, W]`` each."""

    main: Tensor
    """Of the fused features: the only one that is used once trained."""
    context8: Tensor
    """Of the context path at stride 8."""
    context16: Tensor
    """Of the context path at stride 16."""


class ContextFeatures(NamedTuple):
    """What the context path gives, float ``[N, 128 * width, H / stride, W / stride]`` each."""

    backbone8: Tensor
    context8: Tensor
    context16: Tensor


class ConvBlock(nn.Module):
    """Convolution that keeps the size, batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H, W]``."""
        return F.relu(self.bn(self.conv(x)), inplace=True)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, which is projected where the stride is 2."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        if stride > 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )
        else:
            self.downsample = nn.Sequential()

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H / stride, W / stride]``."""
        hidden = F.relu(self.bn1(self.conv1(x)), inplace=True)
        residual: Tensor = self.bn2(self.conv2(hidden))
        return F.relu(residual.add_(self.downsample(x)), inplace=True)


class ResNet18(nn.Module):
    """The backbone without its classifier."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.layer1 = _stage(channels, channels, stride=1)
        self.layer2 = _stage(channels, 2 * channels, stride=2)
        self.layer3 = _stage(2 * channels, 4 * channels, stride=2)
        self.layer4 = _stage(4 * channels, 8 * channels, stride=2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features at strides 8, 16 and 32, of 2, 4 and 8 times ``channels``."""
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = F.max_pool2d(x, 3, stride=2, padding=1)  # stride 4
        feature8 = self.layer2(self.layer1(x))
        feature16 = self.layer3(feature8)
        return feature8, feature16, self.layer4(feature16)


class AttentionRefinement(nn.Module):
    """A convolution whose channels are weighted by what the whole image holds."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs, outputs, 3)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H, W]``."""
        feature: Tensor = self.conv(x)
        weight: Tensor = self.bn_atten(self.conv_atten(_image_mean(feature))).sigmoid()
        return feature * weight


class ContextPath(nn.Module):
    """The backbone, and its two deepest features brought up to stride 8."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.resnet = ResNet18(channels)
        self.arm16 = AttentionRefinement(4 * channels, 2 * channels)
        self.arm32 = AttentionRefinement(8 * channels, 2 * channels)
        self.conv_head32 = ConvBlock(2 * channels, 2 * channels, 3)
        self.conv_head16 = ConvBlock(2 * channels, 2 * channels, 3)
        self.conv_avg = ConvBlock(8 * channels, 2 * channels, 1)

    def forward(self, x: Tensor) -> ContextFeatures:
        """Return the features that the fusion and the heads read."""
        feature8, feature16, feature32 = self.resnet(x)
        whole = self.conv_avg(_image_mean(feature32))  # [N, 2 * channels, 1, 1]
        context = self.arm32(feature32) + whole
        context16 = self.conv_head32(F.interpolate(context, feature16.shape[-2:], mode="nearest"))
        context = self.arm16(feature16) + context16
        context8 = self.conv_head16(F.interpolate(context, feature8.shape[-2:], mode="nearest"))
        return ContextFeatures(feature8, context8, context16)


class FeatureFusion(nn.Module):
    """Backbone and context features joined, with a gated copy added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convblk = ConvBlock(channels, channels, 1)
        self.conv1 = nn.Conv2d(channels, channels // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(channels // 4, channels, 1, bias=False)

    def forward(self, backbone: Tensor, context: Tensor) -> Tensor:
        """Return ``[N, channels, H, W]`` from two inputs of half as many channels."""
        feature: Tensor = self.convblk(torch.cat([backbone, context], dim=1))
        gate: Tensor = self.conv2(F.relu(self.conv1(_image_mean(feature)))).sigmoid()
        return feature * gate + feature


class Head(nn.Module):
    """Class scores of a feature."""

    def __init__(self, inputs: int, hidden: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvBlock(inputs, hidden, 3)
        self.conv_out = nn.Conv2d(hidden, num_classes, 1, bias=False)

    def forward(self, feature: Tensor, size: torch.Size) -> Tensor:
        """Return ``[N, num_classes, *size]``."""
        scores = self.conv_out(self.conv(feature))
        return F.interpolate(scores, tuple(size), mode="bilinear", align_corners=True)


class BiSeNet(ParsingNetwork):
    """Class scores for every pixel of a normalised image.

    In training mode a batch needs two images, since its statistics are taken over 1x1 features.
    """

    normalisation: ClassVar[Normalisation] = "imagenet"

    def __init__(self, num_classes: int = 19, *, width: float = 1.0) -> None:
        """Build with random weights.

        Args:
            num_classes: Classes, 2 to 255.
            width: Channels relative to the published network, up to 4; ``64 * width`` is whole.

        Raises:
            InputError: ``num_classes`` or ``width`` is out of range.
        """
        super().__init__()
        channels = round(_BASE * width)
        if channels != _BASE * width or not 1 <= channels <= _MAX_CHANNELS:
            raise InputError(
                f"The width {width} of a BiSeNet is out of range: use multiples of 1/64 up to 4."
            )
        if not 2 <= num_classes <= _MAX_CLASSES:
            raise InputError(f"A BiSeNet has 2 to {_MAX_CLASSES} classes; got {num_classes}.")
        self.num_classes = num_classes
        self.width = width
        self.num_features = 4 * channels
        self.cp = ContextPath(channels)
        self.ffm = FeatureFusion(4 * channels)
        self.conv_out = Head(4 * channels, 4 * channels, num_classes)
        self.conv_out16 = Head(2 * channels, channels, num_classes)
        self.conv_out32 = Head(2 * channels, channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=1)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> Self:
        """Build a network of the tensors' width and classes with their values, in eval mode.

        Raises:
            InputError: This is another network, or keys are missing, unexpected or misshapen.
        """
        if not cls.has_keys_of(state_dict):
            found = ", ".join(list(state_dict)[:5])
            raise InputError(
                f"This is not a BiSeNet, which has {_FIRST} and {_LAST}; the keys here: {found} …"
            )
        num_classes = shape_of(state_dict, _LAST, 4)[0]
        width = shape_of(state_dict, _FIRST, 4)[0] / _BASE
        # Files of the first PyTorch versions lack these counters, which only training reads.
        optional = (".num_batches_tracked",)
        return network_of(lambda: cls(num_classes, width=width), state_dict, optional)

    @staticmethod
    def has_keys_of(state_dict: StateDict) -> bool:
        """Whether these are the keys of such a network."""
        return {_FIRST, _LAST} <= state_dict.keys()

    def forward(self, x: Tensor) -> Heads:
        """Scores of all three heads, as training needs them.

        Args:
            x: Image ``[N, 3, H, W]`` normalised by the ImageNet statistics.
        """
        features = self.cp(x)
        return Heads(
            self.conv_out(self.ffm(features.backbone8, features.context8), x.shape[-2:]),
            self.conv_out16(features.context8, x.shape[-2:]),
            self.conv_out32(features.context16, x.shape[-2:]),
        )

    def scores(self, x: Tensor) -> Tensor:
        """Scores of the main head alone, ``[N, num_classes, H, W]``."""
        scores: Tensor = self.conv_out(self.fused(x), x.shape[-2:])
        return scores

    def fused(self, x: Tensor) -> Tensor:
        """Features that the main head reads, ``[N, num_features, H / 8, W / 8]``."""
        features = self.cp(x)
        fused: Tensor = self.ffm(features.backbone8, features.context8)
        return fused


def _stage(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(inputs, outputs, stride), ResidualBlock(outputs, outputs, 1))


def _image_mean(feature: Tensor) -> Tensor:
    """Mean over the image, ``[N, C, 1, 1]``."""
    return feature.mean((2, 3), keepdim=True)
