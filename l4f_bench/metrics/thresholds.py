"""The thresholds of the F-beta curves, counted on soft masks of arrays and tensors alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor

# Keeps float32 grey levels g / 255 from counting as g + 1.
_ROUNDING = 1e-4


@overload
def threshold_steps(preds: npt.NDArray[Any]) -> npt.NDArray[np.int64]: ...


@overload
def threshold_steps(preds: Tensor) -> Tensor: ...


def threshold_steps(preds: npt.NDArray[Any] | Tensor) -> npt.NDArray[np.int64] | Tensor:
    """How many of the thresholds k / 255, k = 0 to 254, each soft prediction exceeds.

    Args:
        preds: Soft masks in [0, 1] of any shape: an array, or a tensor on any device.

    Returns:
        int64 of the same kind and shape, from 0 to 255.
    """
    if isinstance(preds, np.ndarray):
        steps = np.ceil(preds.astype(np.float64) * 255 - _ROUNDING)
        return steps.clip(0, 255).astype(np.int64)
    return (preds.double() * 255 - _ROUNDING).ceil().clamp(0, 255).long()
