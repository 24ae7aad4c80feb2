"""Sizes of StyleGAN2 and of the alpha network beside it, read off their tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from l4f_bench.errors import InputError
from l4f_bench.tensors import StateDict, shape_of

AlphaLayout = Literal["bg_extractor", "bg_extractor_repro"]
"""Key names of an alpha network: those of the two classes of the Labels4Free code."""

LR_MULTIPLIER = 0.01
"""Learning-rate multiplier of the mapping network in every public checkpoint."""


def default_channels(size: int, multiplier: int = 2) -> tuple[int, ...]:
    """The public channel widths at 4, 8, …, ``size`` pixels: 512 up to 32, then halving.

    Source: configuration F of StyleGAN2 has multiplier 2, configuration E has 1.
    """
    return tuple(
        512 if resolution <= 32 else 256 * 64 // resolution * multiplier
        for resolution in resolutions(size)
    )


def resolutions(size: int) -> tuple[int, ...]:
    """4, 8, …, ``size``.

    Raises:
        InputError: ``size`` is not a power of two from 8 to 1024.
    """
    if size not in (8, 16, 32, 64, 128, 256, 512, 1024):
        raise InputError(f"StyleGAN2 images must have 8, 16, … or 1024 pixels, not {size}.")
    return tuple(4 << step for step in range(size.bit_length() - 2))


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorArchitecture:
    """Everything that fixes a generator's tensors."""

    size: int
    """Side of the images in pixels, a power of two from 8 to 1024."""
    channels: tuple[int, ...]
    """Feature channels at 4, 8, …, size pixels."""
    mapping_widths: tuple[int, ...] = (512,) * 9
    """Width of z, of every hidden layer of the mapping network, and of w."""
    image_channels: int = 3
    lr_multiplier: float = LR_MULTIPLIER
    """Learning-rate multiplier of the mapping network; not stored in checkpoints."""
    conv_clamp: float | None = None
    """Largest magnitude after each convolution (StyleGAN2-ADA: 256); not stored in tensors."""

    def __post_init__(self) -> None:
        if len(self.channels) != len(resolutions(self.size)):
            raise InputError(
                f"A generator of {self.size} pixels has {len(resolutions(self.size))} channel "
                f"widths (4 to {self.size} pixels); got {len(self.channels)}."
            )

    @property
    def z_dim(self) -> int:
        """Width of the input latent."""
        return self.mapping_widths[0]

    @property
    def w_dim(self) -> int:
        """Width of the intermediate latent."""
        return self.mapping_widths[-1]

    @property
    def num_layers(self) -> int:
        """Styled convolutions, and noise maps: one at 4 pixels, two at every other resolution."""
        return 2 * len(self.channels) - 1

    @property
    def num_latents(self) -> int:
        """Latents of W+: one per styled convolution and one for the last RGB layer."""
        return self.num_layers + 1

    @classmethod
    def of(cls, state_dict: StateDict) -> GeneratorArchitecture:
        """Read the architecture off a state dict in the rosinality layout.

        Raises:
            InputError: Tensors that fix a size are missing or of another shape.
        """
        convs = _count(state_dict, "convs.{}.conv.weight")
        shapes = [shape_of(state_dict, "input.input", 4)[1]]
        shapes += [shape_of(state_dict, f"convs.{i}.conv.weight", 5)[1] for i in range(1, convs, 2)]
        depth = _count(state_dict, "style.{}.weight", start=1)
        weights = [shape_of(state_dict, f"style.{i}.weight", 2) for i in range(1, depth + 1)]
        if not weights or not convs or convs % 2 or len(shapes) > 9:
            raise InputError(
                "This is not a StyleGAN2 generator: its mapping or convs are incomplete."
            )
        return cls(
            size=4 << (convs // 2),
            channels=tuple(shapes),
            mapping_widths=(weights[0][1], *(weight[0] for weight in weights)),
            image_channels=shape_of(state_dict, "to_rgb1.conv.weight", 5)[1],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class DiscriminatorArchitecture:
    """Everything that fixes a discriminator's tensors."""

    size: int
    """Side of the images in pixels, a power of two from 8 to 1024."""
    channels: tuple[int, ...]
    """Feature channels at 4, 8, …, size pixels."""
    hidden: int | None = None
    """Width of the layer before the score; None for that of the 4-pixel features."""
    image_channels: int = 3
    group_size: int = 4
    """Images that share a batch statistic."""
    conv_clamp: float | None = None
    """Largest magnitude after each activation (StyleGAN2-ADA: 256); not stored in tensors."""

    def __post_init__(self) -> None:
        if len(self.channels) != len(resolutions(self.size)):
            raise InputError(
                f"A discriminator of {self.size} pixels has {len(resolutions(self.size))} channel "
                f"widths (4 to {self.size} pixels); got {len(self.channels)}."
            )

    @classmethod
    def of(cls, state_dict: StateDict) -> DiscriminatorArchitecture:
        """Read the architecture off a state dict in the rosinality layout.

        Raises:
            InputError: Tensors that fix a size are missing or of another shape.
        """
        blocks = _count(state_dict, "convs.{}.conv2.1.weight", start=1)
        if not 1 <= blocks <= 8:
            raise InputError("This is not a StyleGAN2 discriminator: its convs are incomplete.")
        first = shape_of(state_dict, "convs.0.0.weight", 4)
        outputs = [
            shape_of(state_dict, f"convs.{i}.conv2.1.weight", 4)[0] for i in range(1, blocks + 1)
        ]
        return cls(
            size=4 << blocks,
            channels=tuple(reversed([first[0], *outputs])),
            hidden=shape_of(state_dict, "final_linear.0.weight", 2)[0],
            image_channels=first[1],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class AlphaArchitecture:
    """Everything that fixes an alpha network's tensors."""

    layout: AlphaLayout
    channels: tuple[int, ...]
    """Feature channels at each resolution read, lowest first; at least two."""

    @classmethod
    def of(cls, state_dict: StateDict) -> AlphaArchitecture:
        """Read the architecture off a state dict in either published layout.

        Raises:
            InputError: Projections are missing, or are not 1x1 convolutions.
        """
        layout: AlphaLayout = "bg_extractor_repro"
        pattern, start, step = "conv{}.weight", 1, 2  # conv1, conv2, …: two to a resolution
        if "conv_fns0.0.weight" in state_dict:
            layout = "bg_extractor"
            pattern, start, step = "conv_fns0.{}.weight", 0, 1
        count = _count(state_dict, pattern, start, step)
        if count < 2:
            raise InputError("This is not an alpha network: its projections are missing.")
        names = [pattern.format(start + step * index) for index in range(count)]
        return cls(layout=layout, channels=tuple(shape_of(state_dict, key, 4)[1] for key in names))


def _count(state_dict: StateDict, pattern: str, start: int = 0, step: int = 1) -> int:
    """How many keys of the pattern there are in a row."""
    number = 0
    while pattern.format(start + step * number) in state_dict:
        number += 1
    return number
