"""Single samples that a figure shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Example:
    """One sample with its masks."""

    title: str
    """Caption: why it is shown, and which sample it is."""
    image: npt.NDArray[np.uint8]
    """``[H, W, 3]`` RGB."""
    truth: npt.NDArray[np.bool_]
    """``[H, W]``."""
    preds: npt.NDArray[np.bool_]
    """``[H, W]``."""
