"""Annotators from checkpoint files."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from pathlib import Path

import torch

from l4f_bench.annotators.checked import checked
from l4f_bench.annotators.choice import AnnotatorConfig
from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.annotators.screening import Screened
from l4f_bench.annotators.specs import ANNOTATORS, AnnotatorSpec
from l4f_bench.cache import cached_weight
from l4f_bench.datasets.specs import spec_of
from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.packages import DETECTRON2_INSTALL
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import code_of_others, load_object

_INSTALL = {
    "detectron2": f"{DETECTRON2_INSTALL}; or use mask-rcnn, which needs no compiler",
    "torchvision": "the torchvision that was built for this torch (pip install torch torchvision)",
}


def open_annotator(
    config: AnnotatorConfig, device: torch.device, *, dataset: str | None = None
) -> tuple[Annotator, dict[str, str]]:
    """The annotator of a configuration, its results checked, and the SHA-256 of its weights.

    Args:
        config: Which one, and what it accepts.
        device: Where to compute.
        dataset: A data set that may have weights of its own for it.

    Returns:
        The annotator, and digests under ``annotator`` and, if there is a screen, ``screen``.

    Raises:
        InputError: No annotator or class has that name, or it needs a class that is not given.
        MissingAssetError: The weights are not in the cache.
        CheckpointError: The file cannot be read, or holds another network.
        MissingDependencyError: A package that it needs cannot be imported.
    """
    weights = config.weights or _usual_weights(ANNOTATORS.get(config.name), dataset)
    annotator = checked(_load(config, weights, device), _described(config.name))
    digests = {} if weights is None else {"annotator": sha256_of(weights)}
    if config.screen is None:
        return annotator, digests
    screen, of_screen = open_annotator(config.screen, device)
    return Screened(annotator, screen), digests | {"screen": of_screen["annotator"]}


def load_annotator(
    name: str,
    weights: Path | None,
    device: torch.device,
    rule: RejectionRule | None = None,
    *,
    foreground: Collection[str] = (),
) -> Annotator:
    """The annotator called ``name``.

    Args:
        name: ``bisenet``: parsing, by default of faces; every class but the background is
            foreground. ``unet``: the same by another network. ``mask-rcnn``, ``detectron2``: one
            object of COCO, by the same weights on our network or on detectron2's.
            ``torchvision``: the same by another model. Or what an installed package offers.
        weights: Its checkpoint; None for an annotator without weights.
        device: Where to compute.
        rule: Which images are rejected; detectors need the class of the object.
        foreground: Classes of a parser that are foreground instead.

    Raises:
        InputError: No annotator has that name, or the rule is missing or of no use.
        CheckpointError: The file cannot be read, or holds another network.
        MissingDependencyError: A package that it needs cannot be imported.
    """
    chosen = AnnotatorConfig(name=name, rule=rule or RejectionRule(), foreground=tuple(foreground))
    return _load(chosen, weights, device)


def _load(config: AnnotatorConfig, weights: Path | None, device: torch.device) -> Annotator:
    spec = ANNOTATORS.get(config.name)
    if spec.detects and config.rule.target_class is None:
        raise InputError(f"{spec.title} finds objects of 80 classes: name one with --class.")
    if spec.needs is not None:
        _need(spec.needs, spec)
    what = _described(spec.name)
    load = load_object(spec.load, what)
    with code_of_others(what):
        annotator: Annotator = load(weights, device, config.rule, config.foreground)
    return annotator


def _described(name: str) -> str:
    """What messages call an annotator: whose it is, too."""
    return f"the annotator '{name}' of {ANNOTATORS.origin(name)}"


def _usual_weights(spec: AnnotatorSpec, dataset: str | None) -> Path | None:
    """The annotator's own weights, or those that a data set has for it."""
    own = {} if dataset is None else spec_of(dataset).annotator_weights
    name = own.get(spec.name, spec.weights)
    return None if name is None else cached_weight(name)


def _need(module: str, spec: AnnotatorSpec) -> None:
    """Import a package that may be absent or built for another torch.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        importlib.import_module(module)
    except Exception as error:  # built for another torch, it fails with nearly anything
        reason = " ".join(str(error).split())[:200]
        raise MissingDependencyError(
            f"{spec.title} needs {module}, which cannot be imported ({reason}). Install "
            f"{_INSTALL.get(module, f'it with pip install {module}')}."
        ) from error
