"""The discriminator of PSeg, which grows with the generators."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.generators.layers import SLOPE
from l4f_bench.tensors import StateDict, load_tensors, shape_of
from l4f_bench_baselines.pseg.architecture import check_level, resolution_of
from l4f_bench_baselines.pseg.layers import (
    FUSED_FROM,
    Blur,
    Downsample,
    EqualConv2d,
    EqualLinear,
    FusedDownsample,
)


class HalvingBlock(nn.Module):
    """Two convolutions, the second of which halves the resolution."""

    def __init__(self, level: int, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            EqualConv2d(num_inputs, num_outputs, 3, padding=1), nn.LeakyReLU(SLOPE)
        )
        halving = FusedDownsample if resolution_of(level) >= FUSED_FROM else Downsample
        self.conv2 = nn.Sequential(
            Blur(num_outputs), halving(num_outputs, num_outputs), nn.LeakyReLU(SLOPE)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, H / 2, W / 2]``."""
        out: Tensor = self.conv2(self.conv1(x))
        return out


class LastBlock(nn.Module):
    """4x4 features and the batch statistic to one vector."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            EqualConv2d(num_channels + 1, num_channels, 3, padding=1), nn.LeakyReLU(SLOPE)
        )
        self.conv2 = nn.Sequential(EqualConv2d(num_channels, num_channels, 4), nn.LeakyReLU(SLOPE))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_channels, 4, 4]`` to ``[N, num_channels, 1, 1]``."""
        deviation = (x.var(dim=0, unbiased=False) + 1e-8).sqrt().mean()
        x = torch.cat([x, deviation.expand(len(x), 1, *x.shape[2:])], dim=1)
        out: Tensor = self.conv2(self.conv1(x))
        return out


class Discriminator(nn.Module):
    """Images to scores, with the keys of the public checkpoints.

    Source: StyleGAN (CVPR 2019), Progressive Growing of GANs (ICLR 2018) for the batch statistic.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        """Build with random weights; ``channels`` are those at 4, 8, … pixels."""
        super().__init__()
        levels = range(len(channels) - 1, 0, -1)  # blocks are numbered from the largest images
        self.progression = nn.ModuleList(
            HalvingBlock(level, channels[level], channels[level - 1]) for level in levels
        )
        self.progression.append(LastBlock(channels[0]))
        self.from_rgb = nn.ModuleList(
            nn.Sequential(EqualConv2d(3, width, 1), nn.LeakyReLU(SLOPE))
            for width in reversed(channels)
        )
        self.linear = EqualLinear(channels[0], 1)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> Discriminator:
        """A discriminator of the sizes that the tensors have, in eval mode.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        count = sum(key.startswith("from_rgb.") and key.endswith(".bias") for key in state_dict)
        widths = [shape_of(state_dict, f"from_rgb.{i}.0.conv.bias", 1)[0] for i in range(count)]
        network = cls(widths[::-1] or [1])
        load_tensors(network, state_dict, optional=(".weight_flip", ".conv2.0.weight"))
        return network.eval()

    def forward(self, images: Tensor, level: int, fade: float = 1.0) -> Tensor:
        """Score images ``[N, 3, 4 << level, 4 << level]`` around [-1, 1]: higher is more real.

        Scores depend on the batch: its statistic is over all its images.

        Args:
            images: The images.
            level: Their level, 0 or more.
            fade: Share of this level in the mix with the one below; 1 for itself alone.

        Returns:
            Unbounded scores, float ``[N, 1]``.

        Raises:
            InputError: There is no such level.
        """
        features = self.progression[-1](self.features(images, level, fade))
        scores: Tensor = self.linear(features.flatten(1))
        return scores

    def features(self, images: Tensor, level: int, fade: float = 1.0) -> Tensor:
        """Features in front of the last block, ``[N, C, 4, 4]``; arguments as for a score."""
        check_level(level, len(self.from_rgb))
        first = len(self.from_rgb) - 1 - level
        x: Tensor = self.from_rgb[first](images)
        for index in range(first, len(self.progression) - 1):
            x = self.progression[index](x)
            if index == first and fade < 1:
                skip = self.from_rgb[first + 1](F.avg_pool2d(images, 2))
                x = (1 - fade) * skip + fade * x
        return x
