"""The encoders of pSp and e4e: photographs to W+ codes.

Both have the same tensors; only what is made of the heads' results differs.
Source: pixel2style2pixel (CVPR 2021), section 3; e4e (SIGGRAPH 2021), section 5.
"""

from __future__ import annotations

from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from l4f_bench.errors import InputError
from l4f_bench.generators.layers import EqualLinear
from l4f_bench.projection.architecture import COARSE, MIDDLE, EncoderArchitecture
from l4f_bench.projection.backbone import body, stem
from l4f_bench.tensors import StateDict, network_of

_SLOPE = 0.01  # PyTorch's own, not StyleGAN's 0.2


class StyleHead(nn.Module):
    """Features to one row of the codes: convolutions that halve the resolution, then a layer."""

    def __init__(self, num_inputs: int, width: int, num_outputs: int, num_convs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(num_convs):
            layers.append(nn.Conv2d(width if index else num_inputs, width, 3, 2, padding=1))
            layers.append(nn.LeakyReLU(_SLOPE))
        self.convs = nn.Sequential(*layers)
        self.linear = EqualLinear(width, num_outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, num_inputs, H, W]`` to ``[N, num_outputs]``; the convolutions leave 1x1."""
        row: Tensor = self.linear(self.convs(x).flatten(1))
        return row


class Encoder(nn.Module):
    """What both encoders share: the body, a feature pyramid of three levels, and a head a row."""

    def __init__(self, architecture: EncoderArchitecture) -> None:
        """Build with random weights; :meth:`from_state_dict` builds from a checkpoint's tensors."""
        super().__init__()
        self.architecture = architecture
        self.input_layer = stem(architecture)
        self.body = body(architecture)
        deepest = architecture.widths[3]
        self.styles = nn.ModuleList(
            StyleHead(
                deepest,
                architecture.head_width,
                architecture.latent_width,
                architecture.convs_of(head),
            )
            for head in range(architecture.num_styles)
        )
        self.latlayer1 = nn.Conv2d(architecture.widths[2], deepest, 1)
        self.latlayer2 = nn.Conv2d(architecture.widths[1], deepest, 1)

    @classmethod
    def from_state_dict(cls, state_dict: StateDict) -> Self:
        """An encoder of the sizes that the tensors have, with these tensors, in eval mode.

        Args:
            state_dict: Keys of the public checkpoints, without ``encoder.`` before them. Counts of
                batches may be absent.

        Raises:
            InputError: Tensors are missing, unexpected or misshapen; all are listed.
        """
        architecture = EncoderArchitecture.of(state_dict)
        return network_of(lambda: cls(architecture), state_dict, optional=("num_batches_tracked",))

    def pyramid(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at a 16th, an 8th and a 4th of the resolution, all of one width.

        Raises:
            InputError: The images have other channels or more pixels than the heads reduce to one.
        """
        self._check(images)
        ends = self._stage_ends()
        x = self.input_layer(images)
        taps: list[Tensor] = []
        for index, block in enumerate(self.body):
            x = block(x)
            if index in ends:
                taps.append(x)
        fine, middle, deep = taps[1:]
        middle = _up(deep, middle) + self.latlayer1(middle)
        return deep, middle, _up(middle, fine) + self.latlayer2(fine)

    def heads(self, pyramid: tuple[Tensor, Tensor, Tensor], count: int) -> list[Tensor]:
        """Results ``[N, latent_width]`` of the first ``count`` style heads."""
        deep, middle, fine = pyramid
        return [
            head(deep if index < COARSE else middle if index < MIDDLE else fine)
            for index, head in enumerate(list(self.styles)[:count])
        ]

    def _stage_ends(self) -> list[int]:
        blocks = self.architecture.blocks
        return [sum(blocks[: stage + 1]) - 1 for stage in range(len(blocks))]

    def _check(self, images: Tensor) -> None:
        sizes = self.architecture
        fits = images.ndim == 4 and images.shape[1] == sizes.image_channels
        if not fits or not 1 <= max(images.shape[2:]) <= sizes.side or not min(images.shape[2:]):
            raise InputError(
                f"Images of shape {list(images.shape)} do not fit this encoder: give [N, "
                f"{sizes.image_channels}, H, W] of at most {sizes.side} x {sizes.side} pixels."
            )


class GradualStyleEncoder(Encoder):
    """pSp: every head gives a row of its own."""

    def forward(self, images: Tensor) -> Tensor:
        """Codes ``[N, num_styles, latent_width]``, to which an average latent may be added.

        Args:
            images: Float ``[N, 3, H, W]`` in [-1, 1], at most as large as the encoder was made for
                (256 x 256 for the public ones).

        Raises:
            InputError: The images have another shape.
        """
        pyramid = self.pyramid(images)
        return torch.stack(self.heads(pyramid, self.architecture.num_styles), dim=1)


class Encoder4Editing(Encoder):
    """e4e: the first head gives a row for all, the others what is added to theirs."""

    def forward(self, images: Tensor, *, stage: int | None = None) -> Tensor:
        """Codes ``[N, num_styles, latent_width]``, to which an average latent may be added.

        Args:
            images: As for :meth:`GradualStyleEncoder.forward`.
            stage: Rows after this one get nothing added, as in the stages of progressive training;
                None for all.

        Raises:
            InputError: The images have another shape, or the stage is negative.
        """
        if stage is not None and stage < 0:
            raise InputError(f"stage {stage} is negative. Give 0 or more, or None for all rows.")
        num_styles = self.architecture.num_styles
        count = num_styles if stage is None else min(stage + 1, num_styles)
        base, *offsets = self.heads(self.pyramid(images), count)
        rest = [torch.zeros_like(base)] * (num_styles - count)
        return base[:, None] + torch.stack([torch.zeros_like(base), *offsets, *rest], dim=1)


ENCODERS: dict[str, type[Encoder]] = {
    "GradualStyleEncoder": GradualStyleEncoder,
    "Encoder4Editing": Encoder4Editing,
}
"""By the name in the options of a public checkpoint."""


def _up(x: Tensor, like: Tensor) -> Tensor:
    """Up-sample ``x`` to the height and width of ``like``."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear", align_corners=True)
