"""The residual body of the encoders: IR-SE blocks, with the key names of the public checkpoints.

Source: ArcFace (CVPR 2019), "improved residual" units; squeeze-and-excitation (CVPR 2018); the
layout of pixel2style2pixel (CVPR 2021).
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from l4f_bench.projection.architecture import EncoderArchitecture


class SqueezeExcite(nn.Module):
    """Scales channels by weights that their means decide."""

    def __init__(self, width: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(width, squeezed, 1, bias=False)
        self.fc2 = nn.Conv2d(squeezed, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Scale ``[N, width, H, W]``."""
        means = x.mean(dim=(2, 3), keepdim=True)
        weights: Tensor = self.fc2(self.fc1(means).relu()).sigmoid()
        return x * weights


class IrSeBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; the second may halve the resolution."""

    def __init__(self, num_inputs: int, width: int, squeezed: int, stride: int) -> None:
        super().__init__()
        # Where the width stays, the shortcut takes every stride-th pixel as it is.
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if num_inputs != width:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(num_inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(num_inputs),
            nn.Conv2d(num_inputs, width, 3, padding=1, bias=False),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(width),
            SqueezeExcite(width, squeezed),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, width, H / stride, W / stride]``, rounded up."""
        out: Tensor = self.res_layer(x) + self.shortcut_layer(x)
        return out


def stem(architecture: EncoderArchitecture) -> nn.Sequential:
    """The first convolution, at the resolution of the image."""
    width = architecture.stem_width
    return nn.Sequential(
        nn.Conv2d(architecture.image_channels, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.PReLU(width),
    )


def body(architecture: EncoderArchitecture) -> nn.Sequential:
    """All blocks in a row; the first of each stage halves the resolution."""
    blocks: list[nn.Module] = []
    widths = (architecture.stem_width, *architecture.widths)
    stages = zip(pairwise(widths), architecture.blocks, architecture.squeezed, strict=True)
    for (before, width), count, squeezed in stages:
        blocks.append(IrSeBlock(before, width, squeezed, 2))
        blocks += [IrSeBlock(width, width, squeezed, 1) for _ in range(count - 1)]
    return nn.Sequential(*blocks)
