"""Annotators by name, from checkpoint files."""

from __future__ import annotations

from pathlib import Path

import torch

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.face_parsing import FaceParser, load_bisenet
from l4f_bench.errors import InputError
from l4f_bench.registry import unknown_name

ANNOTATORS = ("bisenet",)


def load_annotator(name: str, weights: Path, device: torch.device) -> Annotator:
    """The annotator called ``name``.

    Args:
        name: ``bisenet``: face parsing, every class but the background is foreground.
        weights: Its checkpoint.
        device: Where to compute.

    Raises:
        InputError: No annotator has that name.
        CheckpointError: The file cannot be read, or holds another network.
    """
    if name not in ANNOTATORS:
        raise InputError(unknown_name("annotator", name, list(ANNOTATORS)))
    return FaceParser(load_bisenet(weights).to(device))
