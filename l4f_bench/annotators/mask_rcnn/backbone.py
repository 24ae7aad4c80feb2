"""ResNet of bottlenecks and the feature pyramid on it.

Source: the public detectron2 configuration ``mask_rcnn_R_101_FPN_3x``; its key names.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.annotators.mask_rcnn.architecture import Architecture, Stage

_EPS = 1e-5  # of the frozen normalisation
STAGES = ("res2", "res3", "res4", "res5")


class FrozenBatchNorm(nn.Module):
    """Batch normalisation whose statistics and scale never change."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            start = torch.ones if name in ("weight", "running_var") else torch.zeros
            self.register_buffer(name, start(channels))

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """What every channel is multiplied by, and what is then added, ``[C]`` each."""
        scale = self.weight * (self.running_var + _EPS).rsqrt()
        return scale, self.bias - self.running_mean * scale

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, C, H, W]``."""
        scale, shift = self.scale_and_shift()
        return x * scale[:, None, None] + shift[:, None, None]


class NormedConv(nn.Conv2d):
    """Convolution without bias that keeps the size at stride 1, then frozen normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(inputs, outputs, kernel, stride=stride, padding=kernel // 2, bias=False)
        self.norm: nn.Module = FrozenBatchNorm(outputs)

    def forward(self, input: Tensor) -> Tensor:
        """Return ``[N, outputs, H / stride, W / stride]``."""
        x: Tensor = self.norm(super().forward(input))
        return x

    @torch.no_grad()
    def fold(self) -> None:
        """Move the normalisation into weight and bias, which saves a pass over every feature."""
        if isinstance(self.norm, FrozenBatchNorm):
            scale, shift = self.norm.scale_and_shift()
            self.weight = nn.Parameter(self.weight * scale[:, None, None, None])
            self.bias = nn.Parameter(shift)
            self.norm = nn.Identity()


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolutions beside a shortcut; the first 1x1 carries the stride."""

    def __init__(self, inputs: int, hidden: int, outputs: int, stride: int, shortcut: bool) -> None:
        super().__init__()
        self.shortcut = NormedConv(inputs, outputs, 1, stride) if shortcut else None
        self.conv1 = NormedConv(inputs, hidden, 1, stride)
        self.conv2 = NormedConv(hidden, hidden, 3)
        self.conv3 = NormedConv(hidden, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H / stride, W / stride]``."""
        residual = F.relu_(self.conv1(x))
        residual = self.conv3(F.relu_(self.conv2(residual)))
        residual += x if self.shortcut is None else self.shortcut(x)
        return F.relu_(residual)


class Stem(nn.Module):
    """From the image to stride 4."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = NormedConv(3, channels, 7, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, channels, H / 4, W / 4]``."""
        return F.max_pool2d(F.relu_(self.conv1(x)), 3, stride=2, padding=1)


class ResNet(nn.Module):
    """The bottom-up half of the pyramid."""

    def __init__(self, stem: int, stages: tuple[Stage, ...]) -> None:
        super().__init__()
        self.stem = Stem(stem)
        inputs = stem
        for name, stage in zip(STAGES, stages, strict=True):
            self.add_module(name, _stage(inputs, stage, stride=1 if name == "res2" else 2))
            inputs = stage.outputs

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return the features of the four stages, at strides 4, 8, 16 and 32."""
        x = self.stem(x)
        features = []
        for name in STAGES:
            x = self.get_submodule(name)(x)
            features.append(x)
        return features


class Backbone(nn.Module):
    """Features of equal width at five scales."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        width = architecture.pyramid
        for level, stage in enumerate(architecture.stages, start=2):
            self.add_module(f"fpn_lateral{level}", nn.Conv2d(stage.outputs, width, 1))
            self.add_module(f"fpn_output{level}", nn.Conv2d(width, width, 3, padding=1))
        self.bottom_up = ResNet(architecture.stem, architecture.stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return p2 to p6, ``[N, pyramid, H / stride, W / stride]`` at strides 4 to 64.

        Args:
            x: Normalised image ``[N, 3, H, W]``; both sides are multiples of 32.
        """
        return self.pyramid(self.bottom_up(x))

    def pyramid(self, features: list[Tensor]) -> list[Tensor]:
        """The same from the features of the four stages."""
        levels: list[Tensor] = []
        merged: Tensor | None = None
        for level in (5, 4, 3, 2):
            lateral: Tensor = self.get_submodule(f"fpn_lateral{level}")(features[level - 2])
            if merged is not None:
                lateral += F.interpolate(merged, scale_factor=2.0, mode="nearest")
            merged = lateral
            levels.insert(0, self.get_submodule(f"fpn_output{level}")(merged))
        return [*levels, F.max_pool2d(levels[-1], 1, stride=2)]


def _stage(inputs: int, stage: Stage, stride: int) -> nn.Sequential:
    first = Bottleneck(inputs, stage.hidden, stage.outputs, stride, shortcut=True)
    others = (
        Bottleneck(stage.outputs, stage.hidden, stage.outputs, 1, shortcut=False)
        for _ in range(stage.blocks - 1)
    )
    return nn.Sequential(first, *others)
