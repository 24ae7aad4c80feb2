"""Networks with weights in place, from any checkpoint."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.generators.checkpoints.errors import refusals_named
from l4f_bench.generators.checkpoints.selection import select_network
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import Generator


def load_generator(path: Path | str, which: str = "g_ema") -> Generator:
    """A generator of the file's sizes with its weights, on the CPU in eval mode.

    Args:
        path: A checkpoint of any supported format.
        which: ``g_ema`` for the averaged generator, ``g`` for the one that was trained.

    Raises:
        CheckpointError: The file cannot be read or has no such network, or its tensors do not
            fit; then every missing, unexpected and misshapen key is listed, with both shapes.
    """
    network = select_network(path, which)
    with refusals_named(Path(path)):
        return Generator.from_state_dict(network.state_dict, conv_clamp=network.conv_clamp)


def load_discriminator(path: Path | str) -> Discriminator:
    """A discriminator of the file's sizes with its weights, on the CPU in eval mode.

    Raises:
        CheckpointError: As for ``load_generator``.
    """
    network = select_network(path, "d")
    with refusals_named(Path(path)):
        return Discriminator.from_state_dict(
            network.state_dict,
            conv_clamp=network.conv_clamp,
            group_size=network.statistics_group,
        )
