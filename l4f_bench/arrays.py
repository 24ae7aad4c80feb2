"""Checks of the arrays that cross from one room to the next."""

from __future__ import annotations

from typing import Any

from l4f_bench.errors import InputError


def check_same_shape(preds: Any, target: Any) -> None:
    """Raise unless two masks (NumPy or torch) have one shape ``[..., H, W]``.

    Raises:
        InputError: The shapes differ, or there are fewer than two axes.
    """
    if tuple(preds.shape) != tuple(target.shape):
        raise InputError(
            f"Prediction of shape {tuple(preds.shape)} and truth of shape {tuple(target.shape)} "
            "differ. Resize one to the other."
        )
    if preds.ndim < 2:
        raise InputError(f"A mask needs the axes [..., H, W]; got shape {tuple(preds.shape)}.")
