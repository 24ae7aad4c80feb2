"""What a feature extractor must do, and what its distances are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSpec:
    """What fixes a set of features. Only statistics with equal ones can be compared."""

    name: str
    """As typed on the command line."""
    dimension: int
    resize: str
    """How images come to the network's size."""
    weights_sha256: str


_NAMES = {"inception": ("FID", "KID"), "annotator": ("FD (shapes)", "KD (shapes)")}


def frechet_name(features: str) -> str:
    """What the Fréchet distance of these features is called: ``FID`` for Inception's alone."""
    return _NAMES[features][0] if features in _NAMES else f"FD ({features})"


def kernel_name(features: str) -> str:
    """What the kernel distance of these features is called: ``KID`` for Inception's alone."""
    return _NAMES[features][1] if features in _NAMES else f"KD ({features})"


class FeatureExtractor(Protocol):
    """Turns images into vectors."""

    @property
    def spec(self) -> FeatureSpec:
        """What it is."""

    def features(self, image: Tensor) -> npt.NDArray[np.float32]:
        """Features of a batch, ``[N, dimension]``.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB.
        """
