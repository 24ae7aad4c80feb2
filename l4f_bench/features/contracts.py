"""What a feature extractor must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
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
