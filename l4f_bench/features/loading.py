"""Feature extractors by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from l4f_bench.errors import InputError
from l4f_bench.features.contracts import FeatureExtractor
from l4f_bench.features.inception import load_inception
from l4f_bench.features.parser import load_parser_features
from l4f_bench.registry import unknown_name

_LOADERS: dict[str, Callable[..., FeatureExtractor]] = {
    "inception": load_inception,
    "annotator": load_parser_features,
}

EXTRACTORS = tuple(_LOADERS)


def load_extractor(
    name: str, weights: Path | None, *, resize: str, device: torch.device
) -> FeatureExtractor:
    """The extractor called ``name``.

    Args:
        name: ``inception``: pool3 features of FID's network. ``annotator``: features of the shapes
            world's embedded annotator.
        weights: Its file; None takes the published one from the cache.
        resize: How images come to the network's size.
        device: Where to compute.

    Raises:
        InputError: A name is unknown.
        CheckpointError: The file cannot be read, or holds another network.
        MissingAssetError: The weights are not in the cache.
        MissingDependencyError: A package that the network needs cannot be imported.
    """
    if name not in _LOADERS:
        raise InputError(unknown_name("feature extractor", name, list(_LOADERS)))
    return _LOADERS[name](weights, resize=resize, device=device)
