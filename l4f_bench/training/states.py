"""Putting saved states back where they came from; what does not fit is refused."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_HELD = {
    torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.AdamW: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.SGD: {"momentum_buffer"},
}


def load_optimiser(optimiser: torch.optim.Adam | torch.optim.SGD, state: dict[str, Any]) -> None:
    """Put a saved state into an optimiser, whose settings stay those it was made with.

    PyTorch itself looks at the number of the parameters only.

    Args:
        optimiser: One of the same parameters as the saved one.
        state: What its ``state_dict`` returned.

    Raises:
        ValueError: The state is not that of these parameters.
    """
    parameters = [weight for group in optimiser.param_groups for weight in group["params"]]
    copies = {}
    for index, held in state["state"].items():
        if index not in range(len(parameters)) or held.keys() != _HELD[type(optimiser)]:
            raise ValueError("the state of the optimiser is another one's")
        for name, value in held.items():
            shape = () if name == "step" else parameters[index].shape
            if not isinstance(value, Tensor) or value.shape != shape:
                raise ValueError(f"{name} of parameter {index} has another shape")
        copies[index] = {name: value.clone() for name, value in held.items()}
    settings = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": copies, "param_groups": settings})
