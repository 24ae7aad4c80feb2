"""State dicts: shapes read off them, and loading that names every mismatch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from l4f_bench.errors import InputError

StateDict = Mapping[str, Tensor]
Module = TypeVar("Module", bound=nn.Module)


def network_of(
    build: Callable[[], Module], state_dict: StateDict, optional: tuple[str, ...] = ()
) -> Module:
    """A network with the tensors of a state dict, in eval mode.

    The sizes that ``build`` takes come from a few of the tensors. They are compared with all of
    them before the network is allocated, as a small file can name the sizes of a huge network.

    Args:
        build: Makes the network with any weights.
        state_dict: Tensors by key.
        optional: As in :func:`load_tensors`.

    Raises:
        InputError: As in :func:`load_tensors`.
    """
    with torch.device("meta"), _Unfilled():
        check_tensors(build(), state_dict, optional)
    with _Unfilled():
        network = build()
    load_tensors(network, state_dict, optional)
    return network.eval()


class _Unfilled(TorchFunctionMode):
    """While it lasts, no random weights are drawn, which a file's are to replace.

    On the meta device the first draw would import 900 modules.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Leave memory as it is where ``func`` would fill it with random numbers."""
        kwargs = kwargs or {}
        if func in _FILLING:
            return args[0] if args else kwargs["tensor"]
        return (torch.empty if func is torch.randn else func)(*args, **kwargs)


_FILLING = (
    *(Tensor.normal_, Tensor.uniform_),
    *(nn.init.kaiming_normal_, nn.init.kaiming_uniform_),
)


def load_tensors(
    network: nn.Module,
    state_dict: StateDict,
    optional: tuple[str, ...] = (),
    *,
    assign: bool = False,
) -> None:
    """Copy a state dict into a network, or say everything that does not fit.

    Args:
        network: The network to fill.
        state_dict: Tensors by key.
        optional: Endings or beginnings of keys that may be absent (filters, noise maps).
        assign: Take the tensors themselves, for a network on the meta device, which has none.

    Raises:
        InputError: Keys are missing, unexpected or misshapen; all are listed, with both shapes.
    """
    check_tensors(network, state_dict, optional)
    network.load_state_dict(dict(state_dict), strict=False, assign=assign)


def check_tensors(
    network: nn.Module, state_dict: StateDict, optional: tuple[str, ...] = ()
) -> None:
    """Raise unless a state dict has the keys and shapes of a network.

    Raises:
        InputError: As in :func:`load_tensors`.
    """
    own = network.state_dict()
    may_miss = {
        key for key in own if any(key.endswith(part) or key.startswith(part) for part in optional)
    }
    missing = [key for key in own if key not in state_dict and key not in may_miss]
    unexpected = [key for key in state_dict if key not in own]
    misshapen = [
        f"{key} is {list(state_dict[key].shape)} instead of {list(tensor.shape)}"
        for key, tensor in own.items()
        if key in state_dict and state_dict[key].shape != tensor.shape
    ]
    parts = [
        f"{what}: {', '.join(found)}"
        for what, found in (
            ("missing", missing),
            ("unexpected", unexpected),
            ("misshapen", misshapen),
        )
        if found
    ]
    if parts:
        name = type(network).__name__
        raise InputError(f"These tensors do not fit a {name}. {'; '.join(parts)}.")


def shape_of(state_dict: StateDict, key: str, ndim: int) -> torch.Size:
    """Shape of one tensor, which must have ``ndim`` axes.

    Raises:
        InputError: The tensor is missing or has other axes.
    """
    if key not in state_dict:
        raise InputError(f"The tensor {key} is missing: this is another network, or part of one.")
    shape = state_dict[key].shape
    if len(shape) != ndim:
        raise InputError(f"The tensor {key} has shape {list(shape)} instead of {ndim} axes.")
    return shape
