"""Ranges of options that several settings have."""

from __future__ import annotations

from collections.abc import Sequence

from l4f_bench.errors import InputError
from l4f_bench.seeds import check_seed

MOST = 2**31 - 1
"""Of whatever is counted: more is a slip of the finger."""


def check_fraction(option: str, value: float | None, *, below: float | None = None) -> None:
    """Raise unless a value, where one is given, is from 0 to 1.

    Args:
        option: What it is called.
        value: The value.
        below: What it must stay under, where 1 itself is too much.

    Raises:
        InputError: It is not, or not a number.
    """
    if value is not None and not (0 <= value <= 1 and (below is None or value < below)):
        allowed = "0 to 1" if below is None else f"0 to below {below:g}"
        raise InputError(f"{option} {value:g} is out of range: use {allowed}.")


def check_sampling(truncations: Sequence[float], seed: int) -> None:
    """Raise unless samples can be drawn with these.

    Raises:
        InputError: They are out of range.
    """
    check_seed(seed)
    for psi in truncations:
        check_fraction("--truncation", psi)


def check_level(option: str, value: int | None, least: int) -> None:
    """Raise unless a value, where one is given, is a grey level from ``least`` up.

    Raises:
        InputError: It is not.
    """
    if value is not None and not least <= value <= 255:
        raise InputError(f"{option} {value} is not a grey level. Give {least} to 255.")


def check_count(option: str, value: int | None, least: int) -> None:
    """Raise unless a number of things, where one is given, is from ``least`` to :data:`MOST`.

    Raises:
        InputError: It is not.
    """
    if value is not None and not least <= value <= MOST:
        raise InputError(f"{option} {value} is out of range: use {least} to {MOST:,}.")
