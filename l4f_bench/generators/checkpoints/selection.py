"""Pick one network of a checkpoint, with what belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import CheckpointError
from l4f_bench.files.state_dicts import StateDict
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.reader import read_checkpoint

_USUAL_GROUP = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectedNetwork:
    """State dict of one network and the settings that its tensors do not show."""

    name: str
    """Its name in the checkpoint, such as ``g_ema``."""
    state_dict: StateDict
    """Tensors in the rosinality layout."""
    latent_average: Tensor | None
    """Mean w, float32 [w_dim]; generators only, where the file has it."""
    conv_clamp: float | None
    """Largest magnitude after each convolution; None for no limit."""
    statistics_group: int
    """Images in a group of the mini-batch standard deviation; discriminators only."""
    source_sha256: str
    """Digest of the file that the network came from."""


def select_network(path: Path | str, *names: str) -> SelectedNetwork:
    """The first of ``names`` that the checkpoint at ``path`` holds.

    Raises:
        CheckpointError: It cannot be read, or holds none of them; the message says which it holds.
    """
    checkpoint = read_checkpoint(path)
    for name in names:
        if name in checkpoint.networks:
            return SelectedNetwork(
                name=name,
                state_dict=checkpoint.networks[name],
                latent_average=checkpoint.latent_averages.get(name),
                conv_clamp=checkpoint.conv_clamps.get(name),
                statistics_group=statistics_group(checkpoint),
                source_sha256=checkpoint.source_sha256,
            )
    held = ", ".join(checkpoint.networks)
    raise CheckpointError(f"{path} holds no {' or '.join(names)}, only {held}. Give another file.")


def statistics_group(checkpoint: Checkpoint) -> int:
    """Group size noted in a file of NVIDIA; the usual one in files that do not tell."""
    metadata: Any = checkpoint.metadata
    for keys in (("static_kwargs", "d"), ("d",)):
        value = metadata
        for key in (*keys, "mbstd_group_size"):
            value = value.get(key) if isinstance(value, dict) else None
        if type(value) is int and value > 0:
            return value
    return _USUAL_GROUP
