"""Settings of Labels4Free training, with those of the paper and of its released code by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name
from l4f_bench.seeds import check_seed
from l4f_bench.training.presets import Preset, Presets
from l4f_bench.training.ranges import check_ranges

if TYPE_CHECKING:
    from l4f_bench.generators.architecture import AlphaLayout

BackgroundLatent = Literal["independent", "shared"]
R1Step = Literal["merged", "separate"]

_CHOICES = {
    "background_latent": ("independent", "shared"),
    "background_mode": ("first-conv", "constant"),
    "layout": ("bg_extractor", "bg_extractor_repro"),
    "r1_step": ("merged", "separate"),
}
_AT_LEAST = {
    **dict.fromkeys(("binarisation", "foreground", "background", "adversarial"), 0),
    **dict.fromkeys(("lr", "r1"), 0),
    **dict.fromkeys(("levels", "r1_every", "ema_steps", "collapse_steps", "batch_size"), 1),
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
    r1_step: R1Step = "merged"
    """``merged``: the penalty is part of the loss; ``separate``: it has a step of Adam of its own,
    which also lowers the score of the first real image, as in the released loop."""
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
                f"A batch of {self.batch_size} does not divide into groups of 4. Give a multiple "
                "of 4."
            )


def _paper(
    dataset: str, *, num_steps: int, weight: float, truncation: float, **more: object
) -> Preset[Labels4FreeConfig]:
    """Weight 0.1 on the adversarial loss, latents of their own."""
    config = Labels4FreeConfig(
        binarisation=weight,
        truncation=truncation,
        adversarial=0.1,
        **{"foreground": weight, **more},  # type: ignore[arg-type]
    )
    source = "Labels4Free (ICCV 2021), section 4.6"
    return Preset(key="paper", dataset=dataset, config=config, num_steps=num_steps, source=source)


def _by_released_loop(
    dataset: str,
    key: str,
    source: str,
    *,
    num_iter: int,
    weight: float,
    truncation: float,
    **more: object,
) -> Preset[Labels4FreeConfig]:
    """One weight for B and C, shared latents, the penalty in a step of its own.

    The loop counts from 0 to ``--iter``, so it does one step more.
    """
    config = Labels4FreeConfig(
        binarisation=weight,
        foreground=weight,
        truncation=truncation,
        background_latent="shared",
        r1_step="separate",
        **more,  # type: ignore[arg-type]
    )
    return Preset(key=key, dataset=dataset, config=config, num_steps=num_iter + 1, source=source)


def _released(dataset: str, **more: Any) -> Preset[Labels4FreeConfig]:
    """With the layout that ``--reproduce_model`` chooses."""
    source = "training commands of the released code"
    return _by_released_loop(dataset, "released", source, layout="bg_extractor_repro", **more)


def _single_gpu(dataset: str, **more: Any) -> Preset[Labels4FreeConfig]:
    """Batches of 2 and the second coverage term."""
    source = "settings for one GPU in the released code"
    return _by_released_loop(dataset, "single-gpu", source, batch_size=2, **more)


def _shapes(key: str, source: str, *, num_steps: int, **more: Any) -> Preset[Labels4FreeConfig]:
    """Both coverage terms, loose for objects of 10% to 34% of an image; for short runs."""
    config = Labels4FreeConfig(
        binarisation=1.2, foreground=5, foreground_phi=0.1, background=5, background_phi=0.6,
        lr=4e-3, **more,
    )  # fmt: skip
    return Preset(key=key, dataset="shapes", config=config, num_steps=num_steps, source=source)


PRESETS: Presets[Labels4FreeConfig] = Presets("ours")
for _preset in (
    _paper("ffhq", num_steps=1000, weight=1.2, truncation=1.0, foreground=0.0),
    _paper("cat", num_steps=900, weight=3, truncation=0.5),
    _paper("horse", num_steps=500, weight=3, truncation=1.0),
    _paper("car", num_steps=250, weight=20, truncation=0.3, background_mode="constant"),
    _released("ffhq", num_iter=1200, weight=1.2, truncation=1.0),
    _released("cat", num_iter=900, weight=3, truncation=0.5),
    _released("horse", num_iter=500, weight=3, truncation=1.0),
    _released(
        "car", num_iter=50, weight=10, truncation=0.3, lr=2e-3, background_mode="constant",
        pretrained_discriminator=True, batch_size=2,
    ),
    _single_gpu(
        "ffhq", num_iter=2000, weight=1.2, truncation=1.0, background=3, background_phi=0.4
    ),
    _single_gpu(
        "cat", num_iter=2000, weight=3, truncation=0.5, background=4, background_phi=0.35
    ),
    _single_gpu(
        "horse", num_iter=2000, weight=3, truncation=1.0, background=6, background_phi=0.6
    ),
    _single_gpu(
        "car", num_iter=750, weight=20, truncation=0.3, background=40, background_phi=0.75,
        lr=8e-4, adversarial=0.1, background_mode="constant",
    ),
    _shapes(
        "shapes", "chosen here on the shapes world", num_steps=250, levels=3, batch_size=32,
        ema_steps=30, pretrained_discriminator=True,
    ),
    _shapes(
        "debug", "chosen here to train in seconds", num_steps=20, levels=2, batch_size=8,
        ema_steps=3,
    ),
):  # fmt: skip
    PRESETS.add(_preset)
