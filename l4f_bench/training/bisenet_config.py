"""Settings of BiSeNet training, and its presets."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.ranges import check_ranges

_AT_LEAST = {
    **dict.fromkeys(("lr", "weight_decay", "warmup_steps", "decay_power"), 0),
    **dict.fromkeys(("resolution", "side", "zoom"), 1),
    "width": 1 / 64,
    "batch_size": 2,  # statistics of a batch need more than one value
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BiSeNetConfig:
    """What fixes, with the number of steps, the weights that BiSeNet training ends with."""

    resolution: int = 64
    """Side of the labelled images in pixels."""
    side: int = 128
    """Side in pixels that the network sees them at, a multiple of 32."""
    width: float = 0.25
    """Channels as a share of the published network's."""
    batch_size: int = 16
    """Images a step."""
    lr: float = 0.04
    """Highest learning rate of SGD with momentum."""
    warmup_steps: int = 50
    """Steps in which the learning rate rises to its highest."""
    momentum: float = 0.9
    """Of SGD."""
    weight_decay: float = 5e-4
    """Of SGD."""
    decay_power: float = 0.9
    """The learning rate falls as this power of the share of steps that remain."""
    flips: bool = True
    """Mirror half of the images."""
    zoom: float = 1.0
    """Largest magnification, by chance from 1, of a part of the image at a chance place."""
    brightness: float = 0.0
    """Largest share by which brightness changes, up or down, by chance."""
    contrast: float = 0.0
    """The same of contrast."""
    saturation: float = 0.0
    """The same of saturation."""
    validation: float = 0.1
    """Share of given pairs that is held out to choose the best weights by; of images that are made
    as they are needed, 64 more are."""
    seed: int = 0
    """Seed of weights, flips, augmentation and data."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        shares = ("momentum", "brightness", "contrast", "saturation", "validation")
        check_ranges(self, at_least=_AT_LEAST, shares=shares)
        if self.side < 32 or self.side % 32:
            raise InputError(f"side {self.side} is not a multiple of 32, BiSeNet's deepest stride.")


_SOURCE = (
    "momentum and decays of the public face-parsing training code; its rate (0.01), batch (16) and "
    "length (80,000 steps at 512 pixels) are for its own data set, these were chosen here"
)
PRESETS: Presets[BiSeNetConfig] = Presets("bisenet")
PRESETS.add(
    Preset(
        key="full",
        config=BiSeNetConfig(
            resolution=512,
            side=512,
            width=1.0,
            lr=0.01,
            warmup_steps=1000,
            zoom=2.0,
            brightness=0.5,
            contrast=0.5,
            saturation=0.5,
        ),
        num_steps=80_000,
        source="the public face-parsing code, whose scales also shrink images; not run here",
    )
)
PRESETS.add(Preset(key="shapes", config=BiSeNetConfig(), num_steps=2000, source=_SOURCE))
PRESETS.add(
    Preset(
        key="debug",
        config=BiSeNetConfig(side=64, width=0.125, batch_size=8, warmup_steps=2),
        num_steps=20,
        source="chosen here to train in seconds",
    )
)
