"""Losses of PSeg: WGAN with gradient penalty and drift, and those of the masks.

Source: Improved Training of Wasserstein GANs (NeurIPS 2017) for the penalty, Progressive Growing
of GANs (ICLR 2018) for the drift, the PSeg paper (NeurIPS 2019) for the masks.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from l4f_bench.methods.labels4free.objective import binarisation, foreground_coverage


def loss_on_real(scores: Tensor, drift: float) -> Tensor:
    """Minus the mean score; ``drift`` weighs the mean square, which keeps scores near 0."""
    return drift * scores.square().mean() - scores.mean()


def gradient_penalty(
    score: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor
) -> Tensor:
    """Mean squared distance from 1 of the gradients' norms between real and made images.

    Args:
        score: The discriminator: images to scores ``[N, 1]``.
        real: Real images ``[N, 3, H, W]``.
        fake: As many made ones.
        mix: Share of the real one in each mixture, ``[N, 1, 1, 1]`` in [0, 1].
    """
    between = torch.lerp(fake.detach(), real.detach(), mix).requires_grad_()
    (gradient,) = torch.autograd.grad(score(between).float().sum(), between, create_graph=True)
    penalty: Tensor = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
    return penalty


def mask_loss(alpha: Tensor, *, coverage: float, coverage_weight: float, binary: float) -> Tensor:
    """What keeps masks from vanishing and from staying undecided.

    Args:
        alpha: ``[N, 1, H, W]`` in [0, 1], as perturbed.
        coverage: Mean of a mask below which it is pushed up, in [0, 1].
        coverage_weight: Weight of what is missing to that.
        binary: Weight of the distance from the nearer of 0 and 1.
    """
    return coverage_weight * foreground_coverage(alpha, coverage) + binary * binarisation(alpha)
