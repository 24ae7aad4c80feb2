"""Settings of U-Net training, and its presets."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.seeds import check_seed
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.ranges import check_ranges

_AT_LEAST = {
    **dict.fromkeys(("lr", "weight_decay", "warmup_steps", "decay_power"), 0),
    **dict.fromkeys(("resolution", "side", "channels", "zoom"), 1),
    "batch_size": 2,  # statistics of a batch need more than one value
}


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetConfig:
    """What fixes, with the number of steps, the weights that U-Net training ends with."""

    resolution: int = 64
    """Side of the labelled images in pixels."""
    side: int = 64
    """Side in pixels that the network sees them at."""
    channels: int = 10
    """Channels of its first level; 64 in the published network."""
    bilinear: bool = True
    """Bilinear up-sampling instead of transposed convolutions."""
    batch_size: int = 16
    """Images a step, shared by the processes."""
    lr: float = 3e-3
    """Highest learning rate of AdamW."""
    warmup_steps: int = 50
    """Steps in which the learning rate rises to its highest."""
    weight_decay: float = 0.01
    """Of AdamW."""
    decay_power: float = 1.0
    """The learning rate falls as this power of the share of steps that remain."""
    flips: bool = True
    """Mirror half of the images."""
    zoom: float = 1.4
    """Largest magnification, by chance from 1, of a part of the image at a chance place."""
    brightness: float = 0.3
    """Largest share by which brightness changes, up or down, by chance."""
    contrast: float = 0.3
    """The same of contrast."""
    saturation: float = 0.3
    """The same of saturation."""
    validation: float = 0.1
    """Share of given pairs that is held out to choose the best weights by; of images that are made
    as they are needed, 64 more are."""
    seed: int = 0
    """Seed of weights, augmentation and data."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        shares = ("brightness", "contrast", "saturation", "validation")
        check_ranges(self, at_least=_AT_LEAST, shares=shares)


_SOURCE = (
    "AdamW and the losses as is usual for U-Nets; the paper names no recipe. Size, rate, "
    "augmentation and length were chosen here"
)
PRESETS: Presets[UNetConfig] = Presets("unet")
PRESETS.add(
    Preset(
        key="full",
        config=UNetConfig(resolution=256, side=256, channels=64, lr=3e-4, warmup_steps=1000),
        num_steps=40_000,
        source="the published network's width; all else was chosen here, and not run",
    )
)
PRESETS.add(Preset(key="shapes", config=UNetConfig(), num_steps=1200, source=_SOURCE))
PRESETS.add(
    Preset(
        key="debug",
        config=UNetConfig(side=32, channels=4, batch_size=8, warmup_steps=2),
        num_steps=20,
        source="chosen here to train in seconds",
    )
)
