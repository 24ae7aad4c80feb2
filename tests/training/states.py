"""Comparing the states of trainers."""

from __future__ import annotations

from typing import Any

import torch


def flat(value: Any, name: str = "") -> dict[str, Any]:
    """The leaves of nested dictionaries, lists and tuples by their path."""
    if isinstance(value, dict):
        parts = [flat(part, f"{name}/{key}") for key, part in value.items()]
        return {key: part for found in parts for key, part in found.items()}
    if isinstance(value, (list, tuple)):
        return flat(dict(enumerate(value)), name)
    return {name: value}


def assert_same_state(one: Any, two: Any) -> None:
    """Fail unless two states hold the same, to the last bit."""
    one, two = flat(one), flat(two)
    assert one.keys() == two.keys()
    for key, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, two[key]), key
        else:
            assert value == two[key], key
