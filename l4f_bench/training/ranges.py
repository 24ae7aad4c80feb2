"""Ranges of settings, refused alike by every configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from l4f_bench.errors import InputError

MOST = {
    **dict.fromkeys(("channels", "discriminator_channels", "latent_width"), 4096),
    **dict.fromkeys(("resolution", "side"), 4096),
    **dict.fromkeys(("batch_size", "batch_sizes"), 65_536),
    **dict.fromkeys(("levels", "mapping_layers"), 64),
    "width": 8,
}
"""Largest values of the settings that memory grows with: far more than fits any machine."""
_MOST_OF_OTHERS = 3.4e38  # what float32 holds


def check_ranges(
    config: object, *, at_least: Mapping[str, float], shares: Sequence[str] = ()
) -> None:
    """Refuse settings that training would crash on, or understand as something else.

    Args:
        config: The settings, as attributes: numbers, or tuples of numbers.
        at_least: Smallest value of each of some settings; they have a largest one as well
            (:data:`MOST`).
        shares: Settings that must be from 0 to 1.

    Raises:
        InputError: A value is outside of its range, or not a number.
    """
    for name, low in at_least.items():
        value, high = getattr(config, name), MOST.get(name, _MOST_OF_OTHERS)
        for number in value if isinstance(value, tuple) else (value,):
            # Written so that NaN, of which every comparison is false, is refused as well.
            if not low <= number < math.inf:
                raise InputError(f"{name} {number:g} {_fault(number)}. Give {low:g} or more.")
            if number > high:
                raise InputError(f"{name} {number:g} is too large. Give {high:g} or less.")
    for name in shares:
        if not 0 <= getattr(config, name) <= 1:
            raise InputError(f"{name} {getattr(config, name):g} is out of range: use 0 to 1.")


def _fault(number: float) -> str:
    if not math.isfinite(number):
        return "is not a finite number"
    return "is negative" if number < 0 else "is too small"
