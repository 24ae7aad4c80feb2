"""Readers of every public checkpoint format; none runs code from the file."""

from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.errors import CheckpointError
from l4f_bench.generators.checkpoints.loading import load_discriminator, load_generator
from l4f_bench.generators.checkpoints.reader import read_checkpoint, read_outline
from l4f_bench.generators.checkpoints.selection import SelectedNetwork, select_network

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "SelectedNetwork",
    "load_discriminator",
    "load_generator",
    "read_checkpoint",
    "read_outline",
    "select_network",
]
