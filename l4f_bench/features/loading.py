"""Feature extractors by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from l4f_bench.assets import embedded_path
from l4f_bench.errors import InputError
from l4f_bench.features.contracts import FeatureExtractor
from l4f_bench.features.inception import WEIGHTS_NAME as INCEPTION_WEIGHTS
from l4f_bench.features.inception import load_inception
from l4f_bench.features.parser import WEIGHTS_NAME as PARSER_WEIGHTS
from l4f_bench.features.parser import load_parser_features
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import unknown_name
from l4f_bench.weights import WEIGHTS

_LOADERS: dict[str, Callable[..., FeatureExtractor]] = {
    "inception": load_inception,
    "annotator": load_parser_features,
}

_USUAL_DIGESTS: dict[str, Callable[[], str | None]] = {
    "inception": lambda: WEIGHTS.get(INCEPTION_WEIGHTS).sha256,
    "annotator": lambda: sha256_of(embedded_path(PARSER_WEIGHTS)),
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


def usual_weights(name: str, sha256: str | None) -> bool:
    """Whether features are of the weights that their extractor usually has.

    Those that state none, as files of pytorch-fid, and those of an extractor that is not known
    here are taken for the usual ones.
    """
    if sha256 is None or name not in _USUAL_DIGESTS:
        return True
    return sha256 == _USUAL_DIGESTS[name]()
