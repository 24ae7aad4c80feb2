"""Annotators by name, from checkpoint files."""

from __future__ import annotations

from pathlib import Path

import torch

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

ANNOTATORS = ("bisenet",)


def load_annotator(
    name: str, weights: Path, device: torch.device, *, min_share: float = 0.0
) -> Annotator:
    """The annotator called ``name``.

    Args:
        name: ``bisenet``: face parsing, every class but the background is foreground.
        weights: Its checkpoint.
        device: Where to compute.
        min_share: Share of an image that the foreground of an accepted one covers at least.

    Raises:
        InputError: No annotator has that name.
        CheckpointError: The file cannot be read, or holds another network.
    """
    if name not in ANNOTATORS:
        raise InputError(unknown_name("annotator", name, list(ANNOTATORS)))
    return load_parser(weights, device, min_share=min_share)
