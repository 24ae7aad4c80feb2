"""One entry for every checkpoint format."""

from __future__ import annotations

import dataclasses
import math
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.pickled_values import plain
from l4f_bench.files.restricted_pickle import read_pickle
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import (
    StateDict,
    check_finite,
    checked_tensors,
    is_dense,
    num_bytes,
    without_prefix,
)
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.checkpoints import nvidia_pickle, tensorflow_pickle
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint, kind_of
from l4f_bench.generators.checkpoints.converted import own_document
from l4f_bench.generators.conversion import from_nvidia_discriminator, from_nvidia_generator
from l4f_bench.provenance import sha256_of

_ENTRIES = {"g": "g", "d": "d", "g_ema": "g_ema", "bg_extractor": "alpha_train"}
_KINDS = {
    "g": "generator",
    "d": "discriminator",
    "g_ema": "generator",
    "alpha": "alpha",
    "alpha_train": "alpha",
}
_BARE_NAMES = {"generator": "g_ema", "discriminator": "d", "alpha": "alpha"}


def read_checkpoint(path: Path | str) -> Checkpoint:
    """Networks of a checkpoint in any supported format, on the CPU. Nothing in it is executed.

    Args:
        path: rosinality or Labels4Free ``.pt``, StyleGAN2-ADA ``.pkl``, original StyleGAN2
            TensorFlow ``.pkl``, safetensors, or a bare state dict of one network.

    Raises:
        CheckpointError: The file is not one of these, damaged, or holds what is not allowed.
    """
    path = Path(path)
    checkpoint = _read(path, meta=False)
    if checkpoint.source_sha256:  # converted: the original file's is noted in it
        return checkpoint
    return dataclasses.replace(checkpoint, source_name=path.name, source_sha256=sha256_of(path))


def read_outline(path: Path | str) -> Checkpoint:
    """The same without the values: all tensors are on PyTorch's ``meta`` device.

    Raises:
        CheckpointError: As for ``read_checkpoint``.
    """
    return _read(Path(path), meta=True)


def _read(path: Path, *, meta: bool) -> Checkpoint:
    with refusals_named(path):
        kind = sniff(path)
        if kind == "pickle":
            checkpoint = _read_network_pickle(path, meta=meta)
        elif kind == "safetensors":
            checkpoint = _from_safetensors(path, meta=meta)
        else:
            checkpoint = _from_torch(read_torch_file(path, meta=meta))
        _check(checkpoint, path.stat().st_size)
        averages = {k: v.detach().float() for k, v in checkpoint.latent_averages.items()}
        return dataclasses.replace(checkpoint, latent_averages=averages)


def _read_network_pickle(path: Path, *, meta: bool) -> Checkpoint:
    names = nvidia_pickle.NAMES | tensorflow_pickle.NAMES
    with path.open("rb") as file:
        # Not closed by hand: the arrays that are read point into it, and the last one closes it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    content, _ = read_pickle(data, names)
    if nvidia_pickle.is_nvidia_content(content):
        return nvidia_pickle.read_nvidia(content, meta=meta)
    if tensorflow_pickle.is_tensorflow_content(content):
        return tensorflow_pickle.read_tensorflow(content, len(data), meta=meta)
    raise RefusedError("a pickle that is not a StyleGAN2 network file")


def _from_torch(content: Any) -> Checkpoint:
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise RefusedError("not a dict of networks")
    if content and all(isinstance(value, Tensor) for value in content.values()):
        return _from_bare(content, "torch-state-dict")
    networks = {
        name: without_prefix(_state_dict(content[key], key))
        for key, name in _ENTRIES.items()
        if content.get(key) is not None
    }
    if content.get("bg_extractor_ema") is not None:
        networks["alpha"] = without_prefix(
            _state_dict(content["bg_extractor_ema"], "bg_extractor_ema")
        )
    elif "alpha_train" in networks:
        networks["alpha"] = networks.pop("alpha_train")
    average = _one_row(content.get("latent_avg"))
    skipped = {*_ENTRIES, "bg_extractor_ema", "g_optim", "d_optim", "latent_avg"}
    return Checkpoint(
        format="labels4free" if "alpha" in networks else "rosinality",
        networks=networks,
        latent_averages={} if average is None else {"g_ema": average},
        metadata=plain({key: content[key] for key in content if key not in skipped}),
    )


def _one_row(average: Any) -> Any:
    """A mean latent ``[1, w_dim]``, as some forks save it, as ``[w_dim]``."""
    if isinstance(average, Tensor) and average.ndim == 2 and len(average) == 1:
        return average[0]
    return average


def _state_dict(value: Any, key: str) -> StateDict:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise RefusedError(f"{key} is not a state dict")
    return value


def _from_bare(tensors: Mapping[str, Tensor], format_name: str) -> Checkpoint:
    """A state dict of one network, in the rosinality, Labels4Free or NVIDIA layout."""
    state_dict = without_prefix(tensors)
    average = state_dict.pop("latent_avg", state_dict.get("mapping.w_avg"))
    kind = kind_of(state_dict)
    if kind is None:
        first = ", ".join(str(key)[:60] for key in list(state_dict)[:3])
        raise RefusedError(
            f"neither a generator nor a discriminator nor an alpha network; its keys: {first} ..."
        )
    if kind == "nvidia-generator":
        state_dict = from_nvidia_generator(state_dict)
    elif kind == "nvidia-discriminator":
        state_dict = from_nvidia_discriminator(state_dict)
    return Checkpoint(
        format=format_name,
        networks={_BARE_NAMES[kind.removeprefix("nvidia-")]: state_dict},
        latent_averages={} if average is None else {"g_ema": average},
    )


def _from_safetensors(path: Path, *, meta: bool) -> Checkpoint:
    tensors, header = read_tensors(path, meta=meta)
    document = own_document(header)
    if document is None:
        return _from_bare(tensors, "safetensors-state-dict")
    networks: dict[str, StateDict] = {}
    averages: dict[str, Tensor] = {}
    for key, value in tensors.items():
        name, _, rest = key.partition("/")
        if name == "latent_avg":
            averages[rest or "g_ema"] = value
        else:
            networks.setdefault(name, {})[rest] = value
    source = document["source"]
    return Checkpoint(
        format="l4f-bench",
        networks=networks,
        latent_averages=averages,
        conv_clamps={name: float(clamp) for name, clamp in document["conv_clamps"].items()},
        metadata=plain(document["metadata"]),
        source_name=source["name"],
        source_sha256=source["sha256"],
    )


def _check(checkpoint: Checkpoint, file_bytes: int) -> None:
    """Refuse a checkpoint without networks, or with ones that are not what their names say."""
    if not checkpoint.networks:
        raise RefusedError("no generator, discriminator or alpha network is in it")
    for name, state_dict in checkpoint.networks.items():
        expected = _KINDS.get(name)
        if expected is None:
            raise RefusedError(f"a network of the unknown name {name:.40}")
        if kind_of(state_dict) != expected:
            raise RefusedError(f"{name} lacks the tensors of a StyleGAN2 {expected}")
    checked_tensors(checkpoint.networks, file_bytes)
    for name, state_dict in checkpoint.networks.items():
        whole = [key for key, value in state_dict.items() if not value.is_floating_point()]
        if whole:
            raise RefusedError(f"{whole[0]:.80} of {name} does not hold floating-point numbers")
    if not all(0 < clamp < math.inf for clamp in checkpoint.conv_clamps.values()):
        raise RefusedError("a conv_clamp that is not positive")
    unknown = {*checkpoint.conv_clamps, *checkpoint.latent_averages} - {*_KINDS}
    if unknown:
        raise RefusedError(f"settings of a network of the unknown name {min(unknown):.40}")
    for name, average in checkpoint.latent_averages.items():
        # A file may hold the averaged generator's mean and, of the two generators, only the other.
        generator = checkpoint.networks.get(name) or checkpoint.networks.get("g")
        _check_average(average, generator, f"the mean latent of {name}")


def _check_average(average: Any, generator: StateDict | None, what: str) -> None:
    if not is_dense(average) or average.ndim != 1 or not average.is_floating_point():
        raise RefusedError(f"{what} is not one vector of floating-point numbers")
    num_bytes(average, what)
    check_finite(average, what)
    width = len(average) if generator is None else GeneratorArchitecture.of(generator).w_dim
    if len(average) != width:
        raise RefusedError(f"{what} has {len(average)} numbers where its generator has {width}")
