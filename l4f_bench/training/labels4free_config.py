"""Settings of Labels4Free training, with those of the paper and of its released code by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import AlphaLayout
from l4f_bench.registry import unknown_name
from l4f_bench.seeds import check_seed
from l4f_bench.training.ranges import check_ranges
from l4f_bench.training.settings import known_preset

BackgroundLatent = Literal["independent", "shared"]

_CHOICES = {
    "background_latent": ("independent", "shared"),
    "background_mode": ("first-conv", "constant"),
    "layout": ("bg_extractor", "bg_extractor_repro"),
}
_AT_LEAST = {
    **dict.fromkeys(("binarisation", "foreground", "background", "adversarial"), 0),
    **dict.fromkeys(("lr", "r1"), 0),
    **dict.fromkeys(("levels", "r1_every", "ema_steps", "collapse_steps"), 1),
}
_SHARES = ("foreground_phi", "background_phi", "truncation")


@dataclass(frozen=True, kw_only=True, slots=True)
class Labels4FreeConfig:
    """Everything that fixes the alpha network that training ends with.

    The loss of the alpha network is ``adversarial * softplus(-D(composite))
    + binarisation * B(M) + foreground * C(M) + background * E(M)``.
    """

    binarisation: float
    """Weight lambda 1 of B(M), which pulls alpha to 0 or 1."""
    foreground: float
    """Weight lambda 2 of C(M), which keeps masks from vanishing."""
    foreground_phi: float = 0.25
    """phi 1: mean alpha below which C(M) acts, in [0, 1]."""
    background: float = 0.0
    """Weight of E(M), which keeps masks from filling the image; 0 leaves it out."""
    background_phi: float = 0.0
    """phi 2: mean of 1 - alpha below which E(M) acts, in [0, 1]."""
    adversarial: float = 1.0
    """Weight of the non-saturating loss."""
    truncation: float = 1.0
    """psi of the foreground in [0, 1]; the background is not truncated."""
    background_latent: BackgroundLatent = "independent"
    """``independent``: a latent of its own, as in the paper; ``shared``: the foreground's, as in
    the released loop."""
    background_mode: Literal["first-conv", "constant"] = "first-conv"
    """What the background generator zeroes."""
    layout: AlphaLayout = "bg_extractor"
    """Key names of the alpha network."""
    levels: int = 6
    """Resolutions that the alpha network reads, the image's own and those below it."""
    batch_size: int = 8
    """Images a step over all processes."""
    lr: float = 2e-4
    """Learning rate of both networks, before the correction for lazy regularisation."""
    r1: float = 10.0
    """Weight of the gradient penalty on real images."""
    r1_every: int = 16
    """Steps between penalties, whose weight grows by as much."""
    ema_steps: float = 312.5
    """Steps after which a weight counts half in the averaged alpha network; the released code's
    decay of 0.5 ** (32 / 10,000)."""
    collapse_steps: int = 100
    """Steps in a row with masks that say nothing after which the run is stopped."""
    pretrained_discriminator: bool = False
    """Start from the discriminator of the generator's checkpoint instead of from scratch."""
    flips: bool = True
    """Mirror half of the real images."""
    seed: int = 0
    """Seed of weights, latents, noise, flips and the order of the data."""

    def __post_init__(self) -> None:
        check_seed(self.seed)
        check_ranges(self, at_least=_AT_LEAST, shares=_SHARES)
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InputError(unknown_name(name, getattr(self, name), list(known)))
        if self.batch_size < 1 or (self.batch_size > 4 and self.batch_size % 4):
            raise InputError(
                f"A batch of {self.batch_size} does not divide into groups of 4. Give a multiple."
            )


def _paper(weight: float, truncation: float, **more: object) -> Labels4FreeConfig:
    """Section 4.6 of the paper: weight 0.1 on the adversarial loss, latents of their own."""
    return Labels4FreeConfig(
        binarisation=weight,
        truncation=truncation,
        adversarial=0.1,
        **{"foreground": weight, **more},  # type: ignore[arg-type]
    )


def _released(weight: float, truncation: float, **more: object) -> Labels4FreeConfig:
    """The training commands of the released code: one weight for B and C, shared latents."""
    return Labels4FreeConfig(
        binarisation=weight,
        foreground=weight,
        truncation=truncation,
        background_latent="shared",
        **more,  # type: ignore[arg-type]
    )


# (data set, preset): the paper's section 4.6, and the released code's commands and its settings
# for one GPU, where the second coverage term comes in.
PRESETS: dict[tuple[str, str], Labels4FreeConfig] = {
    ("ffhq", "paper"): _paper(1.2, 1.0, foreground=0.0),
    ("cat", "paper"): _paper(3, 0.5),
    ("horse", "paper"): _paper(3, 1.0),
    ("car", "paper"): _paper(20, 0.3, background_mode="constant"),
    ("ffhq", "released"): _released(1.2, 1.0),
    ("cat", "released"): _released(3, 0.5),
    ("horse", "released"): _released(3, 1.0),
    ("car", "released"): _released(
        10, 0.3, lr=2e-3, background_mode="constant", pretrained_discriminator=True
    ),
    ("ffhq", "single-gpu"): _released(
        1.2, 1.0, background=3, background_phi=0.4, batch_size=2
    ),
    ("cat", "single-gpu"): _released(3, 0.5, background=4, background_phi=0.35, batch_size=2),
    ("horse", "single-gpu"): _released(
        3, 1.0, background=6, background_phi=0.6, batch_size=2
    ),
    ("car", "single-gpu"): _released(
        20, 0.3, background=40, background_phi=0.75, batch_size=2, lr=8e-4, adversarial=0.1,
        background_mode="constant",
    ),
    ("shapes", "shapes"): Labels4FreeConfig(
        binarisation=1.2, foreground=5, foreground_phi=0.2, background=5,
        background_phi=0.6, levels=3, batch_size=32, lr=4e-3, ema_steps=30,
    ),
    ("shapes", "debug"): Labels4FreeConfig(
        binarisation=1.2, foreground=5, foreground_phi=0.2, background=5,
        background_phi=0.6, levels=2, batch_size=8, lr=4e-3, ema_steps=3,
    ),
}  # fmt: skip
NUM_STEPS = {
    ("ffhq", "paper"): 1000,
    ("cat", "paper"): 900,
    ("horse", "paper"): 500,
    ("car", "paper"): 250,
    ("ffhq", "released"): 1200,
    ("cat", "released"): 900,
    ("horse", "released"): 500,
    ("car", "released"): 50,
    ("ffhq", "single-gpu"): 2000,
    ("cat", "single-gpu"): 2000,
    ("horse", "single-gpu"): 2000,
    ("car", "single-gpu"): 750,
    ("shapes", "shapes"): 400,
    ("shapes", "debug"): 20,
}
"""Steps of each preset."""


def preset(dataset: str, name: str) -> Labels4FreeConfig:
    """The settings of a preset for a data set.

    Raises:
        InputError: There is no such preset for that data set; the known ones are given.
    """
    own = {key: config for (owner, key), config in PRESETS.items() if owner == dataset}
    if not own:
        owners = ", ".join(dict.fromkeys(owner for owner, _ in PRESETS))
        raise InputError(f"There are no settings to train ours on {dataset}. Possible: {owners}.")
    return known_preset(dataset, name, own)
