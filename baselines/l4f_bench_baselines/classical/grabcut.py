"""GrabCut of OpenCV, told that the image's rim is background."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.errors import MissingDependencyError

MARGIN = 0.05
"""Width of the rim that is background for sure, as a part of each side."""
ROUNDS = 5
"""Cuts, each after colour models of the last one's parts."""


class GrabCut:
    """A hard mask of each image by itself.

    Source: GrabCut: interactive foreground extraction using iterated graph cuts (SIGGRAPH 2004).
    """

    def __init__(self, cv2: Any) -> None:
        """Compute by the package ``cv2``."""
        self._cv2 = cv2

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`l4f_bench.methods.contracts.ImageMethod`."""
        masks = [self._mask(np.ascontiguousarray(p.transpose(1, 2, 0))) for p in image.numpy()]
        return torch.from_numpy(np.stack(masks)[:, None].astype(np.float32))

    def _mask(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
        """The mask ``[H, W]`` of an image ``[H, W, 3]``."""
        height, width = pixels.shape[:2]
        rim_y, rim_x = (max(1, round(MARGIN * side)) for side in (height, width))
        inside = (rim_x, rim_y, width - 2 * rim_x, height - 2 * rim_y)
        labels = np.zeros((height, width), np.uint8)
        if min(inside[2:]) < 1:  # nothing but rim
            return labels.astype(bool)
        self._cv2.setRNGSeed(0)  # its first colour models begin at random
        models = np.zeros((1, 65)), np.zeros((1, 65))
        self._cv2.grabCut(pixels, labels, inside, *models, ROUNDS, self._cv2.GC_INIT_WITH_RECT)
        return np.isin(labels, (self._cv2.GC_FGD, self._cv2.GC_PR_FGD))


def load() -> GrabCut:
    """GrabCut, ready to use.

    Raises:
        MissingDependencyError: OpenCV cannot be imported.
    """
    try:
        import cv2
    except ImportError as error:
        raise MissingDependencyError(
            f"GrabCut needs OpenCV, which cannot be imported ({error}). Install it with "
            "pip install 'l4f-bench[classical]'."
        ) from error
    return GrabCut(cv2)
