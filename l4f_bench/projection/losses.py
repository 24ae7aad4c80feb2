"""How far a painted picture is from the one it should be, by a named measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure as ms_ssim,
)

from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.loading import load_discriminator
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.registry import unknown_name

Measure = Literal["mse", "ms-ssim", "discriminator", "lpips"]
MEASURES: tuple[str, ...] = get_args(Measure)
USUAL = ("mse", "ms-ssim")
Loss = Callable[[Tensor, Tensor], Tensor]
"""From pictures and targets, float ``[N, 3, H, W]`` in [-1, 1], to one number; 0 for equal ones."""

_BETAS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
_KERNEL = 11
_LEAST = _KERNEL  # pixels of the side that structural similarity needs


@dataclass(frozen=True, slots=True)
class NamedLoss:
    """The sum of some measures, each of weight 1."""

    name: str
    """Names of the measures, as records state them."""
    measures: tuple[Loss, ...]

    def __call__(self, pictures: Tensor, targets: Tensor) -> Tensor:
        """The loss of pictures ``[N, 3, H, W]`` in [-1, 1]."""
        return torch.stack([measure(pictures, targets) for measure in self.measures]).sum()


def open_loss(names: Sequence[str], generator: Path | None, device: torch.device) -> NamedLoss:
    """The sum of named measures.

    Args:
        names: Of :data:`MEASURES`.
        generator: File with the discriminator, for the measure of that name.
        device: Where to compute.

    Raises:
        InputError: A name is unknown or repeated, or none is given.
        CheckpointError: The file holds no discriminator.
        MissingAssetError: The network of LPIPS is not at hand; the message says how to get it.
    """
    for name in names:
        if name not in MEASURES:
            raise InputError(unknown_name("loss", name, list(MEASURES)))
    if not names or len({*names}) < len(names):
        raise InputError(f"Name each loss once: some of {', '.join(MEASURES)}.")
    return NamedLoss("+".join(names), tuple(_open(name, generator, device) for name in names))


def structural_loss(pictures: Tensor, targets: Tensor) -> Tensor:
    """1 - multi-scale structural similarity, over as many scales as the pictures have room for.

    Raises:
        InputError: They have fewer than 11 pixels a side.

    Source: Wang et al. (Asilomar 2003), with its weights; those of fewer scales are rescaled.
    """
    side = min(pictures.shape[2:])
    if side < _LEAST:
        raise InputError(f"ms-ssim needs pictures of {_LEAST} pixels or more, not {side}.")
    # The smallest scale has room for the window; torchmetrics asks for a little more.
    scales = max(
        count
        for count in range(1, len(_BETAS) + 1)
        if min(side >> (count - 1), side // max(1, count - 1) ** 2) >= _KERNEL
    )
    total = sum(_BETAS[:scales])
    betas = tuple(beta / total for beta in _BETAS[:scales])
    found: Tensor = ms_ssim(
        (pictures + 1) / 2, (targets + 1) / 2, data_range=1.0, betas=betas, normalize="relu"
    )
    return 1 - found


def discriminator_loss(discriminator: Discriminator) -> Loss:
    """Mean squared difference of a discriminator's features, each of length 1 at every place."""

    def features(images: Tensor) -> list[Tensor]:
        found, images = [], images.to(next(discriminator.parameters()))
        for block in discriminator.convs:
            images = block(images)
            found.append(F.normalize(images, dim=1))
        return found

    def loss(pictures: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad():
            wanted = features(targets)
        pairs = zip(features(pictures), wanted, strict=True)
        return torch.stack([(a - b).square().sum(dim=1).mean() for a, b in pairs]).mean()

    return loss


def _open(name: str, generator: Path | None, device: torch.device) -> Loss:
    if name == "mse":
        return F.mse_loss
    if name == "ms-ssim":
        return structural_loss
    if name == "discriminator":
        if generator is None:
            raise InputError("The loss discriminator needs --generator FILE, which holds it.")
        network = load_discriminator(generator).to(device).requires_grad_(False)
        return discriminator_loss(network)
    from l4f_bench.projection.lpips import load_lpips

    return load_lpips(device)
