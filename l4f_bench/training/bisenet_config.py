"""Settings of BiSeNet training."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed
from l4f_bench.training.ranges import check_ranges
from l4f_bench.training.settings import known_preset

_AT_LEAST = {
    **dict.fromkeys(("lr", "weight_decay", "warmup_steps", "decay_power"), 0),
    **dict.fromkeys(("num_steps", "resolution"), 1),
    "width": 1 / 64,
    "batch_size": 2,  # statistics of a batch need more than one value
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BiSeNetConfig:
    """Everything that fixes the weights that BiSeNet training ends with."""

    num_steps: int
    """Steps, over which the learning rate falls to 0."""
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
    seed: int = 0
    """Seed of weights, flips and data."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_ranges(self, at_least=_AT_LEAST, shares=("momentum",))
        if self.side < 32 or self.side % 32:
            raise InputError(f"side {self.side} is no multiple of 32, BiSeNet's deepest stride.")


# Momentum, decay of weights and of the rate are those of the public face-parsing training code;
# its rate (0.01), batch (16) and length (80,000 steps at 512 pixels) are for its own data set.
PRESETS = {
    "shapes": BiSeNetConfig(num_steps=1000),
    "debug": BiSeNetConfig(num_steps=20, side=64, width=0.125, batch_size=8, warmup_steps=2),
}


def preset(name: str) -> BiSeNetConfig:
    """The settings of a preset.

    Raises:
        InputError: There is no such preset.
    """
    return known_preset("bisenet", name, PRESETS)
