"""What a checkpoint holds, as JSON data and as lines to print."""

from __future__ import annotations

from typing import Any

from l4f_bench.files.state_dicts import StateDict
from l4f_bench.generators.checkpoints.architecture import architecture_of
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint, kind_of
from l4f_bench.generators.checkpoints.selection import statistics_group
from l4f_bench.terminal import one_line


def describe(checkpoint: Checkpoint) -> dict[str, Any]:
    """Format, source, and for each network its kind, architecture and size; JSON data.

    Raises:
        InputError: The tensors of a network do not belong together.
    """
    networks = {
        name: _network(part, checkpoint.conv_clamps.get(name))
        for name, part in checkpoint.networks.items()
    }
    if "d" in networks:
        networks["d"]["architecture"]["group_size"] = statistics_group(checkpoint)
    return {
        "format": checkpoint.format,
        "source": {"name": checkpoint.source_name, "sha256": checkpoint.source_sha256 or None},
        "networks": networks,
        "latent_averages": {
            name: list(value.shape) for name, value in checkpoint.latent_averages.items()
        },
        "conv_clamps": dict(checkpoint.conv_clamps),
        "metadata": dict(checkpoint.metadata),
    }


def lines(description: dict[str, Any]) -> list[str]:
    """The main points of a description, one network a line, as a terminal may show them."""
    source = description["source"]
    found = [f"format: {description['format']}"]
    if source["name"]:
        found.append(f"source: {source['name']}")
    if source["sha256"]:
        found.append(f"sha256: {source['sha256']}")
    for name, network in description["networks"].items():
        settings = ", ".join(
            f"{key} {'/'.join(map(str, value)) if isinstance(value, list | tuple) else value}"
            for key, value in network["architecture"].items()
        )
        millions = network["parameters"] / 1e6
        found.append(f"{name}: {network['kind']}, {millions:.3f} M parameters, {settings}")
    if description["latent_averages"]:
        found.append(f"mean latent of: {', '.join(description['latent_averages'])}")
    if description["conv_clamps"]:
        clamps = description["conv_clamps"].items()
        found.append("conv_clamp: " + ", ".join(f"{name} {value:g}" for name, value in clamps))
    return [one_line(line) for line in found]


def _network(state_dict: StateDict, conv_clamp: float | None) -> dict[str, Any]:
    buffers = [key for key in state_dict if key.startswith("noises.") or key.endswith(".kernel")]
    total = sum(value.numel() for value in state_dict.values())
    dtypes = {str(value.dtype).removeprefix("torch.") for value in state_dict.values()}
    return {
        "kind": kind_of(state_dict),
        "architecture": architecture_of(state_dict, conv_clamp),
        "tensors": len(state_dict),
        "parameters": total - sum(state_dict[key].numel() for key in buffers),
        "dtypes": sorted(dtypes),
    }
