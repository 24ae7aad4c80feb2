"""The generator that a data set usually has."""

from __future__ import annotations

from pathlib import Path

from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import MissingAssetError


def generator_file(dataset: str) -> Path:
    """A data set's own generator: embedded, or published and in the cache.

    Raises:
        MissingAssetError: There is none, or it is not in the cache; the message says what to do.
    """
    spec = DATASETS.get(dataset)
    other = "Or give one with --generator FILE: a checkpoint of any format, or what `l4f-bench "
    other += "train --method stylegan2` wrote."
    if spec.generator_weights is None:
        raise MissingAssetError(f"No generator of {spec.title} is published. {other}")
    try:
        return cached_weight(spec.generator_weights)
    except MissingAssetError as error:
        raise MissingAssetError(f"{error} {other}") from None
