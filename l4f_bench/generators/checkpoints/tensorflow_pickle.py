"""Original StyleGAN2 network files, read without TensorFlow.

Source: NVlabs/stylegan2, ``dnnlib/tflib/network.py`` (the file) and
``training/networks_stylegan2.py`` (names, shapes and defaults of the variables). The embedded
source text is never looked at.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.pickled_values import as_array, as_mapping, plain
from l4f_bench.files.restricted_pickle import Inert
from l4f_bench.files.state_dicts import Allowance, StateDict
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.conversion import from_nvidia_discriminator, from_nvidia_generator

NAMES = frozenset({("dnnlib.tflib.network", "Network")})
_NETWORKS = ("g", "d", "g_ema")
_VERSIONS = (4, 5)
_MAX_VARIABLES = 2000
_Array = np.ndarray[Any, Any]

# What the networks here compute. A setting that is absent has its default, which is this value;
# of architecture, generators know only the first and discriminators the second.
_FIXED_SETTINGS: dict[str, tuple[Any, ...]] = {
    "label_size": (0,),
    "mapping_lrmul": (0.01,),
    "mapping_nonlinearity": ("lrelu",),
    "normalize_latents": (True,),
    "nonlinearity": ("lrelu",),
    "resample_kernel": ([1, 3, 3, 1], None),
    "mbstd_num_features": (1,),
    "num_channels": (3,),
}
_GENERATOR_KEYS = (
    (r"dlatent_avg", "mapping.w_avg"),
    (r"mapping/Dense(\d+)/(weight|bias)", r"mapping.fc\1.\2"),
    (r"synthesis/4x4/Const/const", "synthesis.b4.const"),
    (r"synthesis/4x4/Conv/(\w+)", r"synthesis.b4.conv1.\1"),
    (r"synthesis/(\d+)x\1/Conv0_up/(\w+)", r"synthesis.b\1.conv0.\2"),
    (r"synthesis/(\d+)x\1/Conv1/(\w+)", r"synthesis.b\1.conv1.\2"),
    (r"synthesis/(\d+)x\1/ToRGB/(\w+)", r"synthesis.b\1.torgb.\2"),
)
_DISCRIMINATOR_KEYS = (
    (r"(\d+)x\1/FromRGB/(weight|bias)", r"b\1.fromrgb.\2"),
    (r"(\d+)x\1/Conv0/(weight|bias)", r"b\1.conv0.\2"),
    (r"(\d+)x\1/Conv1_down/(weight|bias)", r"b\1.conv1.\2"),
    (r"(\d+)x\1/Skip/(weight)", r"b\1.skip.\2"),
    (r"4x4/Conv/(weight|bias)", r"b4.conv.\1"),
    (r"4x4/Dense0/(weight|bias)", r"b4.fc.\1"),
    (r"Output/(weight|bias)", r"b4.out.\1"),
)
_RENAMED = {"mod_weight": "affine.weight", "mod_bias": "affine.bias"}


def is_tensorflow_content(content: Any) -> bool:
    """Whether the content of a pickle is a tuple that holds TensorFlow network objects."""
    return isinstance(content, tuple) and any(_is_network(value) for value in content)


def read_tensorflow(content: tuple[Any, ...], file_bytes: int, *, meta: bool) -> Checkpoint:
    """Networks of a pickled tuple (G, D, Gs) that was read as data.

    Args:
        content: The tuple.
        file_bytes: Size of its file.
        meta: Make tensors without values.

    Raises:
        RefusedError: A network is of another version, has settings that the networks here do not
            have, or a variable is missing or unknown; or one array stands under many names.
    """
    allowance = Allowance(file_bytes)
    if len(content) != 3:
        raise RefusedError(f"a tuple of {len(content)} networks, where G, D and Gs are expected")
    networks, averages, settings = {}, {}, {}
    for name, network in zip(_NETWORKS, content, strict=True):
        state = _state(network, name)
        settings[name] = plain(state.get("static_kwargs", {}))
        _check_settings(settings[name], "resnet" if name == "d" else "skip")
        variables = _variables(state, name)
        if name == "d":
            tensors = _renamed(variables, _DISCRIMINATOR_KEYS, allowance, meta=meta)
            networks[name] = from_nvidia_discriminator(tensors)
            continue
        tensors = _renamed(variables, _GENERATOR_KEYS, allowance, meta=meta)
        averages[name] = _needed(tensors, "mapping.w_avg", "dlatent_avg")
        _needed(tensors, "synthesis.b4.const", "synthesis/4x4/Const/const")
        networks[name] = from_nvidia_generator(tensors)
    return Checkpoint(
        format="stylegan2-tensorflow-pickle",
        networks=networks,
        latent_averages=averages,
        metadata={"static_kwargs": settings},
    )


def _is_network(value: Any) -> bool:
    return isinstance(value, Inert) and value.path == "dnnlib.tflib.network.Network"


def _state(network: Any, name: str) -> dict[Any, Any]:
    if not _is_network(network):
        raise RefusedError(f"{name} is not a TensorFlow network")
    state = as_mapping(network.state, f"the state of {name}")
    if state.get("version") not in _VERSIONS:
        raise RefusedError(
            f"{name} is a TensorFlow network of version {plain(state.get('version'))}; "
            f"StyleGAN2 wrote {_VERSIONS[0]} or {_VERSIONS[1]}"
        )
    return state


def _check_settings(settings: Any, architecture: str) -> None:
    if not isinstance(settings, dict):
        raise RefusedError("static_kwargs is not a dict")
    allowed = {**_FIXED_SETTINGS, "architecture": (architecture,)}
    for key in ("resolution_w", "resolution_h"):  # forks that also draw oblong images
        allowed[key] = (settings.get("resolution", 1024),)
    for key, values in allowed.items():
        if key in settings and settings[key] not in values:
            raise RefusedError(
                f"static_kwargs has {key} = {settings[key]!r}; only {values[0]!r} is supported"
            )


def _variables(state: dict[Any, Any], name: str) -> dict[str, Any]:
    """Pickled arrays by full name, those of the components with the component's key in front."""
    parts = {"": state}
    for key, component in as_mapping(state.get("components", {}), f"components of {name}").items():
        parts[f"{key}/"] = _state(component, f"{name} {key}")
    found: dict[str, Any] = {}
    read = 0
    for prefix, part in parts.items():
        variables = part.get("variables")
        if not isinstance(variables, list):
            raise RefusedError(f"the variables of {name} are not a list")
        read += len(variables)
        if max(read, len(parts)) > _MAX_VARIABLES:
            raise RefusedError(f"{name} has more than {_MAX_VARIABLES} variables")
        for pair in variables:
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise RefusedError(f"a variable of {name} is not a name with a value")
            found[prefix + pair[0]] = pair[1]
    return found


def _renamed(
    variables: dict[str, Any],
    table: tuple[tuple[str, str], ...],
    allowance: Allowance,
    *,
    meta: bool,
) -> StateDict:
    """Tensors under the keys of NVIDIA's PyTorch layout."""
    tensors: StateDict = {}
    for name, pickled in variables.items():
        if name == "lod":  # a leftover of progressive growing
            continue
        value = as_array(pickled)
        allowance.take(value.size * np.dtype(np.float32).itemsize)
        noise = re.fullmatch(r"synthesis/noise(\d{1,2})", name)
        key = _noise_key(int(noise[1])) if noise else _renamed_key(name, table)
        tensors[key] = _tensor(value, name, key, meta)
    return tensors


def _renamed_key(name: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in table:
        match = re.fullmatch(pattern, name)
        if match:
            head, _, last = match.expand(replacement).rpartition(".")
            return f"{head}.{_RENAMED.get(last, last)}"
    hint = " (StyleGAN2 configurations A to D and StyleGAN1 differ)" if "lod" in name else ""
    raise RefusedError(f"variable {name:.80} is not one of StyleGAN2 configuration E or F{hint}")


def _noise_key(index: int) -> str:
    """Noise maps are numbered by layer: 0 at 4 px, then two for every size."""
    size, layer = 4 << (index + 1) // 2, "conv1" if index % 2 == 0 else "conv0"
    return f"synthesis.b{size}.{layer}.noise_const"


def _tensor(value: _Array, name: str, key: str, meta: bool) -> Tensor:
    if value.dtype.kind != "f":
        raise RefusedError(f"variable {name:.80} does not hold floating-point numbers")
    if value.ndim == 4 and name.endswith("/weight"):
        value = value.transpose(3, 2, 0, 1)  # [height, width, in, out] to [out, in, height, width]
        if "/Conv0_up/" in name:  # TensorFlow code turns this kernel round before it is used
            value = value[:, :, ::-1, ::-1]
    elif value.ndim == 2 and name.endswith("weight"):
        value = value.T
    elif name.endswith("/mod_bias") and not meta:
        value = value + np.float32(1)
    elif key.endswith("noise_const"):
        value = _without_leading_ones(value, name, 2)
    elif key.endswith(".const"):
        value = _without_leading_ones(value, name, 1)
    if meta:
        return torch.empty(value.shape, dtype=torch.float32, device="meta")
    return torch.from_numpy(value.astype(np.float32, order="C"))


def _without_leading_ones(value: _Array, name: str, count: int) -> _Array:
    if value.ndim != 4 or value.shape[:count] != (1,) * count:
        raise RefusedError(f"variable {name:.80} has shape {value.shape}")
    return value.reshape(value.shape[count:])


def _needed(tensors: StateDict, key: str, variable: str) -> Tensor:
    if key not in tensors:
        raise RefusedError(f"variable {variable} is missing")
    return tensors[key]
