"""The networks whose features are compared, by name; what each needs is imported when it is used.

Packages add their own under the entry points of ``EXTENSIONS``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from l4f_bench.assets import EMBEDDED, embedded_path
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import Registry, load_object
from l4f_bench.weights import WEIGHTS

if TYPE_CHECKING:
    import torch

    from l4f_bench.features.contracts import FeatureExtractor

EXTENSIONS = "l4f_bench.extractors"
"""Entry points of packages with feature extractors of their own; each names an
:class:`ExtractorSpec`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtractorSpec:
    """Everything about a feature extractor that is known without loading it."""

    name: str
    """Key on the command line and in records."""
    title: str
    """What it is, in a line."""
    frechet: str
    """What the Fréchet distance of its features is called, with the usual weights."""
    kernel: str
    """What their kernel distance is called."""
    dimension: int
    """Features of an image, with the usual weights."""
    weights: str
    """The usual weights: embedded ones, or an entry of ``WEIGHTS``. Their digest says whether
    features are of these."""
    load: str
    """``"module:object"``: takes a file of weights (None for the usual ones), ``resize`` and
    ``device``, and returns a ``FeatureExtractor``."""


EXTRACTORS: Registry[ExtractorSpec] = Registry("feature extractor", group=EXTENSIONS)
INCEPTION = EXTRACTORS.add(
    ExtractorSpec(
        name="inception",
        title="pool3 of the Inception network that FID is defined on",
        frechet="FID",
        kernel="KID",
        dimension=2048,
        weights="fid-inception",
        load="l4f_bench.features.inception:load_inception",
    )
)
PARSER = EXTRACTORS.add(
    ExtractorSpec(
        name="annotator",
        title="fused features of the shapes world's annotator",
        frechet="FD (shapes)",
        kernel="KD (shapes)",
        dimension=64,
        weights="shapes-annotator",
        load="l4f_bench.features.parser:load_parser_features",
    )
)


def load_extractor(
    name: str, weights: Path | None, *, resize: str, device: torch.device
) -> FeatureExtractor:
    """The extractor called ``name``.

    Args:
        name: Key of an entry of ``EXTRACTORS``.
        weights: Its file; None takes the usual one, embedded or from the cache.
        resize: How images come to the network's size.
        device: Where to compute.

    Raises:
        InputError: A name is unknown.
        CheckpointError: The file cannot be read, or holds another network.
        MissingAssetError: The weights are not in the cache.
        MissingDependencyError: A package that the network needs cannot be imported.
    """
    load = load_object(EXTRACTORS.get(name).load, f"the feature extractor '{name}'")
    extractor: FeatureExtractor = load(weights, resize=resize, device=device)
    return extractor


def usual_weights(name: str, sha256: str | None) -> bool:
    """Whether features are of the weights that their extractor usually has.

    Those that state none, as files of pytorch-fid, and those of an extractor that is not known
    here are assumed to be of the usual ones.
    """
    if sha256 is None or name not in EXTRACTORS:
        return True
    usual = EXTRACTORS.get(name).weights
    if usual in EMBEDDED:
        return sha256 == sha256_of(embedded_path(usual))
    return sha256.startswith(WEIGHTS.get(usual).sha256 or "")


def distance_names(name: str, *, usual_weights: bool) -> tuple[str, str]:
    """What the Fréchet and the kernel distance of features are called.

    They are ``FID`` and ``KID`` for Inception with its published weights alone.
    """
    if usual_weights and name in EXTRACTORS:
        spec = EXTRACTORS.get(name)
        return spec.frechet, spec.kernel
    label = name if usual_weights else f"{name}, other weights"
    return f"FD ({label})", f"KD ({label})"
