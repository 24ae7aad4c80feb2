"""Composite and mask losses of Labels4Free. All masks are alpha ``[N, 1, H, W]`` in [0, 1].

Source: Labels4Free (ICCV 2021), equation 1 and section 3.3 (c).
"""

from __future__ import annotations

import torch
from torch import Tensor


def composite(foreground: Tensor, background: Tensor, alpha: Tensor) -> Tensor:
    """Foreground laid over background: equation 1; images ``[N, 3, H, W]``."""
    return alpha * foreground + (1 - alpha) * background


def binarisation(alpha: Tensor) -> Tensor:
    """B(M): mean distance of alpha from the nearer of 0 and 1, in [0, 0.5]."""
    return torch.minimum(alpha, 1 - alpha).mean()


def foreground_coverage(alpha: Tensor, phi: float) -> Tensor:
    """C(M): how much of a mask's mean is missing to ``phi``, averaged over the images."""
    return (phi - alpha.flatten(1).mean(dim=1)).relu().mean()


def background_coverage(alpha: Tensor, phi: float) -> Tensor:
    """E(M): how much of the background's mean is missing to ``phi``, averaged over the images."""
    return foreground_coverage(1 - alpha, phi)
