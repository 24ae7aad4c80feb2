"""The StyleGAN2 discriminator."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import DiscriminatorArchitecture
from l4f_bench.generators.layers import BiasActivation, EqualConv2d, EqualLinear, Fir
from l4f_bench.tensors import StateDict, network_of


class ResidualBlock(nn.Module):
    """Two convolutions beside a skip, halving the resolution."""

    def __init__(self, num_inputs: int, num_outputs: int, clamp: float | None) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            EqualConv2d(num_inputs, num_inputs, 3, padding=1), BiasActivation(num_inputs, clamp)
        )
        self.conv2 = nn.Sequential(
            Fir(padding=2),
            EqualConv2d(num_inputs, num_outputs, 3, stride=2),
            BiasActivation(num_outputs, clamp),
        )
        # Filtering only where the 1x1 convolution would look gives the same numbers.
        self.skip = nn.Sequential(Fir(padding=1, stride=2), EqualConv2d(num_inputs, num_outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs, H/2, W/2]``."""
        out: Tensor = (self.conv2(self.conv1(x)) + self.skip(x)) / math.sqrt(2)
        return out


class Discriminator(nn.Module):
    """StyleGAN2 discriminator with the state-dict keys of the rosinality layout.

    Source: StyleGAN2 (CVPR 2020); residual discriminator with a batch statistic.
    """

    def __init__(self, architecture: DiscriminatorArchitecture) -> None:
        """Build with random weights; :meth:`from_state_dict` builds from a checkpoint's tensors."""
        super().__init__()
        self.architecture = architecture
        clamp = architecture.conv_clamp
        channels = list(reversed(architecture.channels))  # highest resolution first
        blocks: list[nn.Module] = [
            nn.Sequential(
                EqualConv2d(architecture.image_channels, channels[0], 1),
                BiasActivation(channels[0], clamp),
            )
        ]
        blocks += [ResidualBlock(here, below, clamp) for here, below in pairwise(channels)]
        self.convs = nn.Sequential(*blocks)
        last = channels[-1]
        hidden = architecture.hidden or last
        self.final_conv = nn.Sequential(
            EqualConv2d(last + 1, last, 3, padding=1), BiasActivation(last, clamp)
        )
        self.final_linear = nn.Sequential(
            EqualLinear(last * 16, hidden, activation=True), EqualLinear(hidden, 1)
        )

    @classmethod
    def from_state_dict(
        cls, state_dict: StateDict, *, conv_clamp: float | None = None, group_size: int = 4
    ) -> Discriminator:
        """A discriminator of the sizes that the tensors have, with these tensors, in eval mode.

        The clamp (StyleGAN2-ADA: 256) and the group size of the batch statistic are not in the
        tensors. Filter kernels may be absent.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        architecture = replace(
            DiscriminatorArchitecture.of(state_dict), conv_clamp=conv_clamp, group_size=group_size
        )
        return network_of(lambda: cls(architecture), state_dict, optional=(".kernel",))

    def forward(self, images: Tensor) -> Tensor:
        """Score images ``[N, 3, size, size]`` in [-1, 1]: higher is more real.

        Images are compared within groups, so scores depend on the batch: image j shares a group
        with j + N / group, j + 2 N / group, … where group = min(N, group_size).

        Convolutions are fastest on images in the memory format channels last, which is kept.

        Returns:
            Unbounded scores, float ``[N, 1]``.

        Raises:
            InputError: The batch does not divide into groups.
        """
        features: Tensor = self.convs(images)
        features = torch.cat([features, self._batch_statistic(features)], dim=1)
        scores: Tensor = self.final_linear(self.final_conv(features).flatten(1))
        return scores

    def _batch_statistic(self, x: Tensor) -> Tensor:
        """Mean standard deviation within each group, as one more channel ``[N, 1, 4, 4]``."""
        num_images, group = len(x), min(len(x), self.architecture.group_size)
        if num_images % group:
            raise InputError(
                f"A batch of {num_images} does not divide into groups of {group}. Use a "
                f"multiple of {group}, or fewer."
            )
        grouped = x.reshape(group, num_images // group, -1)
        deviation = (grouped.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=1)
        return deviation.repeat(group).view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])
