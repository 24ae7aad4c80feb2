"""Sample grids: images side by side in one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from torch import Tensor


def sheet(rows: Tensor) -> npt.NDArray[np.uint8]:
    """Rows of images ``[rows, N, 3, H, W]``, uint8, as one of ``[rows * H, N * W, 3]``."""
    pixels: npt.NDArray[np.uint8] = (
        rows.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).cpu().numpy()
    )
    return pixels
