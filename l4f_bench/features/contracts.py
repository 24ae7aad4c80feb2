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


def distance_names(features: str, *, usual_weights: bool) -> tuple[str, str]:
    """What the Fréchet and the kernel distance of features are called.

    They are ``FID`` and ``KID`` for Inception with its published weights alone.
    """
    if usual_weights and features in _NAMES:
        return _NAMES[features]
    label = features if usual_weights else f"{features}, other weights"
    return f"FD ({label})", f"KD ({label})"


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
