"""What a feature extractor must do, and what its distances are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureSpec:
    """What fixes a set of features. Only statistics with equal ones can be compared."""

    name: str
    """As typed on the command line."""
    frechet: str
    """Name of its Fréchet distance: ``FID`` for Inception's features, for others never that."""
    kernel: str
    """Name of its kernel distance."""
    dimension: int
    resize: str
    """How images come to the network's size."""
    weights_sha256: str

    def to_json(self) -> dict[str, Any]:
        """As it stands in results and statistics files."""
        return {
            "features": self.name,
            "dimension": self.dimension,
            "resize": self.resize,
            "weights_sha256": self.weights_sha256,
        }


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
