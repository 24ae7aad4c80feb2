"""StyleGAN2-ADA network files: modules pickled by PyTorch together with their source text.

Source: NVlabs/stylegan2-ada-pytorch, ``torch_utils/persistence.py`` (version 6), which executes
that text. Here it is never looked at: names and tensors say everything.
"""

from __future__ import annotations

from collections.abc import ItemsView
from typing import Any

import torch
from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_tensors import TensorReader
from l4f_bench.files.pickled_values import (
    MAPPING_NAMES,
    NUMPY_NAMES,
    as_mapping,
    plain,
    plain_scalar,
)
from l4f_bench.files.restricted_pickle import Inert
from l4f_bench.files.state_dicts import StateDict
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.conversion import from_nvidia_discriminator, from_nvidia_generator

NAMES = (
    MAPPING_NAMES
    | NUMPY_NAMES
    | {
        ("torch_utils.persistence", "_reconstruct_persistent_obj"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch.storage", "_load_from_bytes"),
        ("builtins", "set"),
    }
)
_NETWORKS = {"G": "g", "D": "d", "G_ema": "g_ema"}
_MAX_MODULES = 10_000
_MAX_ENTRIES = 100_000  # in all modules together, which may share theirs
_MAX_DEPTH = 16
_ACTIVATIONS = (None, "lrelu", "linear")


def is_nvidia_content(content: Any) -> bool:
    """Whether the content of a pickle is a dict of networks under NVIDIA's names."""
    return isinstance(content, dict) and "G_ema" in content


def read_nvidia(content: dict[Any, Any], *, meta: bool) -> Checkpoint:
    """Networks of a pickle that was read as data.

    Raises:
        RefusedError: A network lacks its tensors or has settings that StyleGAN2 here has not.
    """
    reader = TensorReader(meta=meta)
    modules = {
        name: _Module(reader, content[key], key)
        for key, name in _NETWORKS.items()
        if content.get(key) is not None
    }
    if not modules:
        raise RefusedError("none of G, D and G_ema is in it")
    averages = {
        name: module.tensors["mapping.w_avg"]
        for name, module in modules.items()
        if "mapping.w_avg" in module.tensors
    }
    settings = {key: plain(content[key]) for key in ("training_set_kwargs",) if key in content}
    for name, module in modules.items():
        settings[name] = {"class_name": module.class_name, "init_kwargs": module.init_kwargs}
        if module.statistics_group is not None:
            settings[name]["mbstd_group_size"] = module.statistics_group
    return Checkpoint(
        format="stylegan2-ada-pickle",
        networks={name: module.network() for name, module in modules.items()},
        latent_averages=averages,
        conv_clamps={n: m.conv_clamp for n, m in modules.items() if m.conv_clamp is not None},
        metadata=settings,
    )


class _Module:
    """Tensors and settings of one network, gathered from its pickled modules."""

    def __init__(self, reader: TensorReader, root: Any, key: str) -> None:
        self.reader = reader
        self.key = key
        self.tensors: StateDict = {}
        self.clamps: set[float | None] = set()
        self.statistics_group: int | None = None
        self.modules = 0
        self.entries = 0
        meta = _persistent(root, key)
        self.class_name = plain(meta.get("class_name"))
        state = as_mapping(meta.get("state"), f"the state of {key}")
        self.init_kwargs = plain(state.get("_init_kwargs"))
        self._gather(root, "", 0)

    @property
    def conv_clamp(self) -> float | None:
        """The one limit of all its layers.

        Raises:
            RefusedError: They have different ones.
        """
        if len(self.clamps) > 1:
            raise RefusedError(f"layers of {self.key} have different conv_clamp values")
        return next(iter(self.clamps), None)

    def network(self) -> StateDict:
        """State dict in the rosinality layout.

        Raises:
            RefusedError: It is not a StyleGAN2 generator or discriminator.
        """
        first, convert = (
            ("b4.out.weight", from_nvidia_discriminator)
            if self.key == "D"
            else ("synthesis.b4.const", from_nvidia_generator)
        )
        if first not in self.tensors:
            raise RefusedError(
                f"tensors of {self.key} are missing, {first} among them ({len(self.tensors)} found)"
            )
        return convert(self.tensors)

    def _gather(self, module: Any, prefix: str, depth: int) -> None:
        self.modules += 1
        if self.modules > _MAX_MODULES or depth > _MAX_DEPTH:
            raise RefusedError(f"modules of {self.key} are nested without end")
        what = prefix.removesuffix(".") or self.key
        state = as_mapping(_persistent(module, what).get("state"), f"the state of {what}")
        self._check(state, what)
        transient = state.get("_non_persistent_buffers_set")
        for group in ("_parameters", "_buffers"):
            for name, value in self._entries(state, group, what):
                skipped = isinstance(transient, set) and name in transient
                if value is not None and not skipped:
                    self.tensors[f"{prefix}{name}"] = self._tensor(value, f"{prefix}{name}")
        for name, child in self._entries(state, "_modules", what):
            if child is not None:
                self._gather(child, f"{prefix}{name}.", depth + 1)

    def _entries(self, state: dict[Any, Any], group: str, what: str) -> ItemsView[Any, Any]:
        found = as_mapping(state.get(group, {}), f"{group} of {what}").items()
        self.entries += len(found)
        if self.entries > _MAX_ENTRIES:
            raise RefusedError(f"modules of {self.key} are nested without end")
        return found

    def _tensor(self, value: Any, key: str) -> Tensor:
        tensor = self.reader.tensor(value)
        if key.endswith("resample_filter") and not _is_standard_filter(tensor):
            raise RefusedError(f"{key} of {self.key} is not the filter [1, 3, 3, 1]")
        return tensor

    def _check(self, state: dict[Any, Any], what: str) -> None:
        if "conv_clamp" in state and not what.endswith(".skip"):  # skips are never clamped
            clamp = plain_scalar(state["conv_clamp"])
            if clamp is not None and not isinstance(clamp, int | float):
                raise RefusedError(f"conv_clamp of {what} is not a number")
            self.clamps.add(None if clamp is None else float(clamp))
        if type(state.get("group_size")) is int:
            self.statistics_group = state["group_size"]
        if plain_scalar(state.get("activation")) not in _ACTIVATIONS:
            raise RefusedError(f"the activation of {what} is not leaky ReLU")


def _persistent(value: Any, what: str) -> dict[Any, Any]:
    """The description that a persistent object was pickled with."""
    path = "torch_utils.persistence._reconstruct_persistent_obj"
    if not isinstance(value, Inert) or value.path != path or len(value.args) != 1:
        raise RefusedError(f"{what} is not a network module")
    meta = as_mapping(value.args[0], what)
    if meta.get("type") != "class":
        raise RefusedError(f"{what} is not a network module")
    return meta


def _is_standard_filter(tensor: Tensor) -> bool:
    if tensor.is_meta:
        return True
    row = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return tensor.shape == (4, 4) and bool(torch.allclose(tensor.float(), torch.outer(row, row)))
