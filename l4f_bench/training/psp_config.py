"""Settings of the training of encoders, and its presets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from l4f_bench.errors import InputError
from l4f_bench.projection.encoders import ENCODERS
from l4f_bench.registry import unknown_name
from l4f_bench.seeds import check_seed
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.ranges import check_ranges

_AT_LEAST = {
    **dict.fromkeys(("lr", "latent_loss", "pixel_loss", "structure_loss", "photo_loss"), 0),
    **dict.fromkeys(("widths", "blocks", "squeeze", "head_width", "side", "warmup_steps"), 1),
    "batch_size": 2,  # statistics of a batch need more than one value
}
_MOST_CHANNELS, _MOST_BLOCKS = 2048, 50


@dataclass(frozen=True, kw_only=True, slots=True)
class PspConfig:
    """What fixes, with the number of steps, the weights that an encoder ends with."""

    encoder: str = "GradualStyleEncoder"
    """That of pSp, or ``Encoder4Editing``."""
    side: int = 64
    """Side in pixels that the encoder sees images at, a multiple of 16 and a power of two."""
    widths: tuple[int, ...] = (16, 24, 40, 56)
    """Channels of the four stages."""
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    """Blocks of the four stages."""
    squeeze: int = 4
    """Channels of squeeze-and-excitation are fewer by this factor."""
    head_width: int = 28
    """Channels within the style heads."""
    batch_size: int = 16
    """Samples a step, and photographs as many where there are some."""
    lr: float = 2e-3
    """Highest learning rate of Adam."""
    warmup_steps: int = 100
    """Steps in which the learning rate rises to its highest; it falls by half a cosine."""
    truncation: float = 1.0
    """psi of the samples, in [0, 1]."""
    style_mixing: float = 0.3
    """Share of samples whose coarse and fine rows come from two latents, in [0, 1]."""
    latent_loss: float = 1.0
    """Weight of the squared distance from the samples' own codes, in units of their spread."""
    pixel_loss: float = 5.0
    """Weight of the squared distance of reconstructions of samples."""
    structure_loss: float = 0.5
    """Weight of 1 - multi-scale structural similarity of all reconstructions."""
    photo_loss: float = 5.0
    """Weight of the squared distance of reconstructions of photographs."""
    flips: bool = True
    """Mirror half of the photographs."""
    seed: int = 0
    """Seed of weights, latents, flips and the order of photographs."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_ranges(self, at_least=_AT_LEAST, shares=("truncation", "style_mixing"))
        if self.encoder not in ENCODERS:
            raise InputError(unknown_name("encoder", self.encoder, list(ENCODERS)))
        if self.side < 32 or self.side & (self.side - 1):
            raise InputError(f"side {self.side} is none of 32, 64, 128, 256, …")
        if len(self.widths) != 4 or any(low >= high for low, high in pairwise(self.widths)):
            raise InputError(f"widths {self.widths} are not four numbers, each above the last.")
        if len(self.blocks) != 4 or max(self.blocks) > _MOST_BLOCKS:
            raise InputError(
                f"blocks {self.blocks} are not four numbers of {_MOST_BLOCKS} or less."
            )
        if max(*self.widths, self.head_width) > _MOST_CHANNELS:
            raise InputError(f"More than {_MOST_CHANNELS} channels fit no machine. Give fewer.")


_SOURCE = (
    "losses in the manner of pixel2style2pixel and of encoders learnt from samples; sizes, weights "
    "and length were chosen here"
)
PRESETS: Presets[PspConfig] = Presets("psp")
PRESETS.add(Preset(key="shapes", config=PspConfig(batch_size=8), num_steps=8_000, source=_SOURCE))
PRESETS.add(
    Preset(
        key="debug",
        config=PspConfig(
            side=32,
            widths=(4, 6, 8, 10),
            blocks=(1, 1, 1, 1),
            head_width=8,
            batch_size=4,
            warmup_steps=2,
        ),
        num_steps=20,
        source="chosen here to train in seconds",
    )
)
