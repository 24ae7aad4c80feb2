"""Settings of PSeg training."""

from __future__ import annotations

from dataclasses import dataclass, replace

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed
from l4f_bench.training.ranges import check_ranges
from l4f_bench_baselines.pseg.architecture import PSegArchitecture, Variant, resolution_of

_AT_LEAST = {
    **dict.fromkeys(("lr", "mapping_lr", "gradient_penalty", "drift"), 0),
    **dict.fromkeys(("coverage_weight", "binarisation", "final_images"), 0),
    **dict.fromkeys(("channels", "latent_width", "mapping_layers", "batch_sizes"), 1),
    **dict.fromkeys(("phase_images", "collapse_steps"), 1),
}
_SHARES = ("reach", "coverage", "contrast", "style_mixing", "ema_decay")


@dataclass(frozen=True, kw_only=True, slots=True)
class PSegConfig:
    """Everything that fixes the weights that PSeg training ends with."""

    channels: tuple[int, ...]
    """Feature channels of all networks at 4, 8, … pixels; their number is that of the levels."""
    batch_sizes: tuple[int, ...]
    """Images a step at each resolution that is trained, the smallest first."""
    phase_images: int
    """Real images over which a resolution fades in, and again for which it then stays."""
    final_images: int = 0
    """Real images after that at the last resolution."""
    variant: Variant = "two-generators"
    """Which of the published generators."""
    latent_width: int = 512
    """Width of z and w."""
    mapping_layers: int = 8
    """Layers between z and w."""
    reach: float = 0.125
    """Largest shift of foreground and mask, as a share of the side."""
    contrast: float = 0.3
    """Largest change of the background's contrast."""
    coverage: float = 0.25
    """Mean of a mask below which it is pushed up, in [0, 1]."""
    coverage_weight: float = 2.0
    """Weight of what is missing to that."""
    binarisation: float = 2.0
    """Weight of min(m, 1 - m)."""
    lr: float = 0.001
    """Learning rate below 128 pixels; it grows from there on."""
    mapping_lr: float = 0.01
    """That of the mapping networks as a share of it."""
    gradient_penalty: float = 10.0
    """Weight of the penalty of WGAN-GP."""
    drift: float = 0.001
    """Weight of the squared scores of real images."""
    style_mixing: float = 0.9
    """Share of images whose coarse and fine levels get different codes, in [0, 1]."""
    crop: float = 1.0
    """Side of the real images over that of the random squares cut from them."""
    flips: bool = False
    """Mirror half of the real images."""
    ema_decay: float = 0.999
    """Share of the averaged generator that stays in each step."""
    collapse_steps: int = 300
    """Steps in a row with empty or full masks after which the run is stopped."""
    seed: int = 0
    """Seed of weights, latents, noise, perturbations and the order of the data."""

    def __post_init__(self) -> None:
        PSegArchitecture(variant=self.variant, channels=self.channels)
        if not 1 <= len(self.batch_sizes) <= len(self.channels) or min(self.batch_sizes) < 2:
            raise InputError(
                f"batch_sizes {self.batch_sizes} do not fit {len(self.channels)} levels. Give 2 "
                "or more for each resolution that is trained, the smallest first."
            )
        check_seed(self.seed)
        check_ranges(self, at_least=_AT_LEAST, shares=_SHARES)
        if not 1 <= self.crop <= 2:
            raise InputError(f"crop {self.crop:g} is out of range: use 1 to 2.")

    @property
    def resolution(self) -> int:
        """Side of the images that training ends with, in pixels."""
        return resolution_of(len(self.channels) - 1)

    @property
    def real_side(self) -> int:
        """Side of the real images, before squares are cut from them."""
        return int(self.resolution * self.crop)

    @property
    def architecture(self) -> PSegArchitecture:
        """Sizes of the generator."""
        return PSegArchitecture(
            variant=self.variant,
            channels=self.channels,
            code_dim=self.latent_width,
            mapping_layers=self.mapping_layers,
        )


def at_resolution(config: PSegConfig, resolution: int) -> PSegConfig:
    """The same for another image size: widths and batches halve with every doubling, down to 16.

    Raises:
        InputError: Training cannot end with that size.
    """
    levels = resolution.bit_length() - 2
    if levels < 2 or resolution != resolution_of(levels - 1):
        raise InputError(f"PSeg's images must have 8, 16, 32, … or 1024 pixels, not {resolution}.")
    untrained = len(config.channels) - len(config.batch_sizes)
    return replace(
        config,
        channels=_lengthened(config.channels, levels),
        batch_sizes=_lengthened(config.batch_sizes, max(levels - untrained, 1)),
    )


def _lengthened(numbers: tuple[int, ...], count: int) -> tuple[int, ...]:
    longer = list(numbers)
    while len(longer) < count:
        longer.append(max(longer[-1] // 2, 16))
    return tuple(longer[:count])
