"""Alpha networks with weights in place, from any checkpoint."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.generators.checkpoints.errors import refusals_named
from l4f_bench.generators.checkpoints.selection import select_network
from l4f_bench.methods.labels4free.alpha import AlphaNetwork


def load_alpha_network(path: Path | str, which: str = "alpha") -> AlphaNetwork:
    """An alpha network of the file's layout and sizes with its weights, in eval mode.

    Args:
        path: A checkpoint of any supported format.
        which: ``alpha`` for the published choice (``bg_extractor_ema``), ``alpha_train`` for
            ``bg_extractor`` of a file that holds both.

    Raises:
        CheckpointError: The file cannot be read or has no such network, or its tensors do not
            fit; then every missing, unexpected and misshapen key is listed, with both shapes.
    """
    network = select_network(path, which)
    with refusals_named(Path(path)):
        return AlphaNetwork.from_state_dict(network.state_dict)
