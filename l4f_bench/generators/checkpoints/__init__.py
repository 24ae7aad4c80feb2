"""Readers of every public checkpoint format; none runs code from the file."""

from l4f_bench.files.errors import CheckpointError
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.loading import (
    TrainedGenerator,
    load_discriminator,
    load_generator,
    load_trained,
)
from l4f_bench.generators.checkpoints.reader import read_checkpoint, read_outline
from l4f_bench.generators.checkpoints.selection import SelectedNetwork, select_network

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "SelectedNetwork",
    "TrainedGenerator",
    "load_discriminator",
    "load_generator",
    "load_trained",
    "read_checkpoint",
    "read_outline",
    "select_network",
]
