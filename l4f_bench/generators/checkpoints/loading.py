"""Networks with weights in place, from any checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from l4f_bench.files.errors import refusals_named
from l4f_bench.generators.checkpoints.selection import select_network
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import Generator


@dataclass(frozen=True, slots=True)
class TrainedGenerator:
    """A generator with what it takes to sample from it."""

    network: Generator
    """On the CPU, in eval mode."""
    mean_latent: Tensor
    """Centre of truncation, ``[1, w_dim]``."""
    sha256: str
    """Digest of its checkpoint."""


def load_trained(path: Path) -> TrainedGenerator:
    """The averaged generator of a checkpoint, or the other where there is none.

    Its mean latent is the file's, or else that of some latents.

    Raises:
        CheckpointError: As for :func:`load_generator`.
    """
    selected = select_network(path, "g_ema", "g")
    with refusals_named(path):
        network = Generator.from_state_dict(selected.state_dict, conv_clamp=selected.conv_clamp)
    mean = selected.latent_average
    mean = network.mean_latent() if mean is None else mean.view(1, -1)
    return TrainedGenerator(network, mean, selected.source_sha256)


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
