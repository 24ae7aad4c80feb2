"""StyleFlow's attributes: what may be wanted of each, how far to go, and which rows of W+ change.

Source: the released interface of StyleFlow (TOG 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from l4f_bench.editing.flow import StyleFlow
from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

NUM_LIGHTS = 9
"""Lighting coefficients at the front of a context, as DPR estimates them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribute:
    """One attribute of a face."""

    index: int
    """Its place in a context."""
    low: float
    high: float
    """Range of what may be wanted: yaw and pitch in degrees, age in years, the others 0 to 1."""
    gain: float
    """Factor on the way from the current value to the wanted one."""
    rows: range
    """Rows of W+ that the edit changes."""


ATTRIBUTES = {
    name: Attribute(index=NUM_LIGHTS + place, low=low, high=high, gain=gain, rows=rows)
    for place, (name, low, high, gain, rows) in enumerate(
        (
            ("gender", 0, 1, 1.5, range(8)),
            ("glasses", 0, 1, 2.5, range(2, 4)),
            ("yaw", -20, 20, 1, range(4)),
            ("pitch", -20, 20, 1, range(4)),
            ("baldness", 0, 1, 2, range(6)),
            ("beard", 0, 1, 1.7, range(5, 10)),
            ("age", 0, 65, 0.93, range(4, 8)),
            ("expression", 0, 1, 1, range(4, 6)),
        )
    )
}
"""The attributes that the interface edits, in the order of a context after the lighting."""
LIGHT_ROWS = range(7, 12)
CONTEXT_NAMES = (*(f"light{index}" for index in range(NUM_LIGHTS)), *ATTRIBUTES)
"""What the numbers of a context are, in their order."""


def attribute_named(name: str, wanted: float) -> Attribute:
    """The attribute of a name, once the value wanted of it is in its range.

    Raises:
        InputError: There is no such attribute, or the value is out of its range.
    """
    if name not in ATTRIBUTES:
        raise InputError(unknown_name("attribute", name, list(ATTRIBUTES)))
    attribute = ATTRIBUTES[name]
    if not attribute.low <= wanted <= attribute.high:
        raise InputError(
            f"{name} {wanted:g} is out of range: use {attribute.low:g} to {attribute.high:g}."
        )
    return attribute


def edit_attribute(
    flow: StyleFlow, w_plus: Tensor, context: Tensor, name: str, wanted: float
) -> tuple[Tensor, Tensor]:
    """Edit latents so that their images show another value of one attribute.

    Args:
        flow: The flow.
        w_plus: ``[N, L, D]``.
        context: What the images show now, ``[N, 17]`` or as published ``[N, 17, 1, 1]``:
            :data:`CONTEXT_NAMES`.
        name: A key of :data:`ATTRIBUTES`.
        wanted: The value wanted, in the attribute's range.

    Returns:
        New latents and context ``[N, 17]``; for a sequence give both to the next edit.

    Raises:
        InputError: The name is unknown, the value out of range, or the shapes do not fit.
        MissingDependencyError: torchdiffeq is not installed.
    """
    attribute = attribute_named(name, wanted)
    context = context.flatten(1)
    target = context.clone()
    now = context[:, attribute.index]
    target[:, attribute.index] = attribute.gain * (wanted - now) + now
    return _moved(flow, w_plus, context, target, attribute.rows), target


def check_light(amount: float) -> None:
    """Raise unless light can go so far to a preset.

    Raises:
        InputError: It is not 0 to 1.
    """
    if not 0 <= amount <= 1:
        raise InputError(f"light {amount:g} is out of range: use 0 to 1.")


def edit_light(
    flow: StyleFlow, w_plus: Tensor, context: Tensor, preset: Tensor, amount: float
) -> tuple[Tensor, Tensor]:
    """Edit latents so that their images are lit as a preset.

    Args:
        flow: The flow.
        w_plus: ``[N, L, D]``.
        context: What the images show now, ``[N, 17]``.
        preset: Nine lighting coefficients.
        amount: How far to go there, 0 to 1.

    Returns:
        New latents and context.

    Raises:
        InputError: The amount is out of range, or the shapes do not fit.
        MissingDependencyError: torchdiffeq is not installed.
    """
    check_light(amount)
    context = context.flatten(1)
    target = context.clone()
    light = context[:, :NUM_LIGHTS]
    target[:, :NUM_LIGHTS] = light + amount * (preset.reshape(1, NUM_LIGHTS).to(light) - light)
    return _moved(flow, w_plus, context, target, LIGHT_ROWS), target


def _moved(
    flow: StyleFlow, w_plus: Tensor, context: Tensor, target: Tensor, rows: Sequence[int]
) -> Tensor:
    if w_plus.ndim == 3 and w_plus.shape[1] <= max(rows):
        raise InputError(
            f"This edit changes row {max(rows)} of w+, but the latents have {w_plus.shape[1]} "
            "rows. Use a generator of faces with 1024 pixels."
        )
    code = flow(w_plus, context)
    moved = flow(code, target, reverse=True)
    edited = w_plus.clone()
    edited[:, list(rows)] = moved[:, list(rows)]
    return edited


def check_contexts(contexts: Tensor) -> None:
    """Raise unless contexts are finite numbers ``[N, 17]``.

    Raises:
        InputError: They are not.
    """
    if contexts.ndim != 2 or contexts.shape[1] != len(CONTEXT_NAMES):
        raise InputError(
            f"Attributes of shape {list(contexts.shape)}: give {len(CONTEXT_NAMES)} numbers a "
            f"sample, which are {', '.join(CONTEXT_NAMES)}."
        )
    if not torch.isfinite(contexts).all():
        raise InputError("Some attributes are no finite numbers. Give them all.")
