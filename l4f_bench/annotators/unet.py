"""The U-Net of the likeliest public code, at any width, with either way of up-sampling.

Five levels, each of half the size and twice the channels of the one before. On the way up the
features of each level are joined to those of the same size on the way down.
Source: U-Net (MICCAI 2015), in the form of the public milesial/Pytorch-UNet; its key names.
"""

from __future__ import annotations

from typing import ClassVar, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.annotators.contracts import Normalisation, ParsingNetwork
from l4f_bench.errors import InputError
from l4f_bench.tensors import StateDict, network_of, shape_of

_MAX_CHANNELS = 256  # a file cannot make us build more than 16 times the published network
_MAX_OUTPUTS = 255  # classes are stored as bytes
_FIRST, _LAST = "inc.double_conv.0.weight", "outc.conv.weight"
_TRANSPOSED = "up1.up.weight"  # which bilinear up-sampling lacks


class DoubleConv(nn.Module):
    """Two 3x3 convolutions that keep the size, each with batch normalisation and ReLU."""

    def __init__(self, inputs: int, outputs: int, hidden: int | None = None) -> None:
        super().__init__()
        hidden = outputs if hidden is None else hidden
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, hidden, 3, padding=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H, W]``."""
        features: Tensor = self.double_conv(x)
        return features


class HalfSize(nn.Module):
    """The largest of every 2x2 pixels; an axis of one pixel stays as it is."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, C, H // 2, W // 2]``, of 1 pixel at least."""
        height, width = x.shape[-2:]
        return F.max_pool2d(x, (min(2, height), min(2, width)))


class Down(nn.Module):
    """One level down."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.maxpool_conv = nn.Sequential(HalfSize(), DoubleConv(inputs, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H // 2, W // 2]``."""
        features: Tensor = self.maxpool_conv(x)
        return features


class Up(nn.Module):
    """One level up, joined with the features of that level."""

    def __init__(self, inputs: int, outputs: int, *, bilinear: bool) -> None:
        """Join two halves of ``inputs`` channels."""
        super().__init__()
        self.up: nn.Module
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2)
        self.conv = DoubleConv(inputs, outputs, inputs // 2 if bilinear else None)

    def forward(self, deep: Tensor, level: Tensor) -> Tensor:
        """Return ``[N, outputs, *level's size]``; what is missing at the edges is 0."""
        x: Tensor = self.up(deep)
        height, width = (level.shape[axis] - x.shape[axis] for axis in (2, 3))
        x = F.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))
        joined: Tensor = self.conv(torch.cat([level, x], dim=1))
        return joined


class OutConv(nn.Module):
    """The last convolution, of single pixels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``[N, outputs, H, W]``."""
        outputs: Tensor = self.conv(x)
        return outputs


class UNet(ParsingNetwork):
    """Foreground or classes for every pixel of an image of any size.

    A single output is the foreground's: its sigmoid is a probability. Several are scores of as many
    classes, background first.
    """

    normalisation: ClassVar[Normalisation] = "unit"

    def __init__(self, num_outputs: int = 1, *, channels: int = 64, bilinear: bool = False) -> None:
        """Build with random weights.

        Args:
            num_outputs: 1, or the number of classes, up to 255.
            channels: Of the first level, 1 to 256; the published network has 64.
            bilinear: Bilinear up-sampling instead of transposed convolutions; the deepest level
                then has half as many channels.

        Raises:
            InputError: ``num_outputs`` or ``channels`` is out of range.
        """
        super().__init__()
        if not 1 <= channels <= _MAX_CHANNELS:
            raise InputError(f"A U-Net has 1 to {_MAX_CHANNELS} channels; got {channels}.")
        if not 1 <= num_outputs <= _MAX_OUTPUTS:
            raise InputError(f"A U-Net has 1 to {_MAX_OUTPUTS} outputs; got {num_outputs}.")
        self.channels, self.bilinear = channels, bilinear
        self.num_outputs = num_outputs
        self.num_classes = max(num_outputs, 2)
        part = 2 if bilinear else 1
        self.inc = DoubleConv(3, channels)
        self.down1 = Down(channels, 2 * channels)
        self.down2 = Down(2 * channels, 4 * channels)
        self.down3 = Down(4 * channels, 8 * channels)
        self.down4 = Down(8 * channels, 16 * channels // part)
        self.up1 = Up(16 * channels, 8 * channels // part, bilinear=bilinear)
        self.up2 = Up(8 * channels, 4 * channels // part, bilinear=bilinear)
        self.up3 = Up(4 * channels, 2 * channels // part, bilinear=bilinear)
        self.up4 = Up(2 * channels, channels, bilinear=bilinear)
        self.outc = OutConv(channels, num_outputs)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> Self:
        """Build a network of the tensors' sizes with their values, in eval mode.

        Raises:
            InputError: This is another network, or keys are missing, unexpected or misshapen.
        """
        if not cls.has_keys_of(state_dict):
            found = ", ".join(list(state_dict)[:5])
            raise InputError(
                f"This is not a U-Net, which has {_FIRST} and {_LAST}; the keys here: {found} …"
            )
        channels = shape_of(state_dict, _FIRST, 4)[0]
        num_outputs = shape_of(state_dict, _LAST, 4)[0]
        bilinear = _TRANSPOSED not in state_dict
        # Files of the first PyTorch versions lack these counters, which only training reads.
        optional = (".num_batches_tracked",)
        return network_of(
            lambda: cls(num_outputs, channels=channels, bilinear=bilinear), state_dict, optional
        )

    @staticmethod
    def has_keys_of(state_dict: StateDict) -> bool:
        """Whether these are the keys of such a network."""
        return {_FIRST, _LAST} <= state_dict.keys()

    def forward(self, x: Tensor) -> Tensor:
        """Outputs ``[N, num_outputs, H, W]``, before any sigmoid or softmax.

        Args:
            x: Image ``[N, 3, H, W]`` in [0, 1].
        """
        level1 = self.inc(x)
        level2 = self.down1(level1)
        level3 = self.down2(level2)
        level4 = self.down3(level3)
        x = self.up1(self.down4(level4), level4)
        x = self.up3(self.up2(x, level3), level2)
        outputs: Tensor = self.outc(self.up4(x, level1))
        return outputs

    def scores(self, x: Tensor) -> Tensor:
        """Scores of the classes, ``[N, num_classes, H, W]``.

        Of a single output the background's score is 0, so that softmax gives its sigmoid.
        """
        outputs: Tensor = self(x)
        return outputs if self.num_outputs > 1 else F.pad(outputs, (0, 0, 0, 0, 1, 0))
