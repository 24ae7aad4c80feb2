"""Annotators by name, from checkpoint files."""

from __future__ import annotations

import importlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.face_parsing import FaceParser
from l4f_bench.annotators.mask_rcnn import load_mask_rcnn
from l4f_bench.annotators.mask_rcnn.annotator import Detector, MaskRcnnAnnotator
from l4f_bench.annotators.mask_rcnn.network_detector import NetworkDetector
from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.annotators.rejection import RejectionRule, rule_of
from l4f_bench.annotators.screening import Screened
from l4f_bench.cache import cached_weight
from l4f_bench.config import AnnotatorConfig, to_json
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.packages import DETECTRON2_INSTALL
from l4f_bench.provenance import sha256_of
from l4f_bench.registry import Registry

_TORCHVISION = "the torchvision that was built for this torch (pip install torch torchvision)"


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorSpec:
    """One source of pseudo ground truth."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""
    weights: str
    """Name of its weights among those that can be fetched."""
    needs_rule: bool = False
    """Whether it finds objects of many classes, so that one must be named."""


SCREENED = {("ffhq", "pseg")}
"""Data sets and methods whose samples are scored only where Mask R-CNN finds the object."""

ANNOTATORS: Registry[AnnotatorSpec] = Registry("annotator")
for _spec in (
    AnnotatorSpec(name="bisenet", title="BiSeNet", weights="bisenet"),
    AnnotatorSpec(
        name="mask-rcnn",
        title="Mask R-CNN R101-FPN",
        weights="mask-rcnn-r101",
        needs_rule=True,
    ),
    AnnotatorSpec(
        name="detectron2",
        title="Mask R-CNN R101-FPN (run by detectron2)",
        weights="mask-rcnn-r101",
        needs_rule=True,
    ),
    AnnotatorSpec(
        name="torchvision",
        title="Mask R-CNN R50-FPN v2 of torchvision (another model)",
        weights="torchvision-mask-rcnn",
        needs_rule=True,
    ),
):
    ANNOTATORS.add(_spec)

GIVEN = {"human": "custom", "exact": "real"}
"""Masks that come with their images, and the setting of eval that scores against them."""


def computed_annotator(name: str) -> AnnotatorSpec:
    """The annotator of that name, which can be run on any image.

    Raises:
        InputError: There is none, or its masks come with their images.
    """
    if name in GIVEN:
        raise InputError(
            f"{name.capitalize()} masks come with their images and can be made for no others. "
            f"l4f-bench eval --on {GIVEN[name]} scores against them."
        )
    return ANNOTATORS.get(name)


def usual_annotator(dataset: str, method: str = "ours") -> AnnotatorConfig:
    """The annotator that the paper names for a data set and a method, with its rejection rule.

    Raises:
        InputError: The data set has none.
    """
    spec = DATASETS.get(dataset)
    if spec.annotator is None:
        ready = ", ".join(entry.name for entry in DATASETS if entry.annotator)
        raise InputError(f"{spec.title} has no annotator. Data sets that have one: {ready}.")
    config = annotator_config(spec.annotator, dataset)
    if (dataset, method) not in SCREENED:
        return config
    return replace(config, screen=annotator_config("mask-rcnn", dataset))


def annotator_config(name: str, dataset: str) -> AnnotatorConfig:
    """An annotator with the rejection rule of a data set.

    Raises:
        InputError: No annotator has that name, its masks come with their images, or it needs a
            class that the data set lacks.
    """
    entry, spec = computed_annotator(name), DATASETS.get(dataset)
    target_class = rule_of(dataset).target_class if entry.needs_rule else None
    return AnnotatorConfig(name=name, target_class=target_class, min_area=spec.min_area)


def open_annotator(
    config: AnnotatorConfig, device: torch.device, *, dataset: str | None = None
) -> tuple[Annotator, dict[str, str]]:
    """The annotator of a configuration, and the SHA-256 of its weights.

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
        MissingDependencyError: torchvision or detectron2 is needed and cannot be imported.
    """
    entry = ANNOTATORS.get(config.name)
    own = DATASETS.get(dataset) if dataset is not None else None
    name = entry.weights
    if own is not None and own.annotator == config.name:
        name = own.annotator_weights or name
    weights = config.weights or cached_weight(name)
    annotator = load_annotator(
        config.name,
        weights,
        device,
        _rule(config) if entry.needs_rule else None,
        foreground=config.foreground or None,
        min_area=config.min_area,
    )
    digests = {"annotator": sha256_of(weights)}
    if config.screen is None:
        return annotator, digests
    screen, of_screen = open_annotator(config.screen, device)
    return Screened(annotator, screen), digests | {"screen": of_screen["annotator"]}


def _rule(config: AnnotatorConfig) -> RejectionRule:
    if config.target_class is None:
        title = ANNOTATORS.get(config.name).title
        raise InputError(f"{title} finds objects of 80 classes: name one with --class.")
    return RejectionRule(
        target_class=config.target_class, min_score=config.min_score, min_area=config.min_area
    )


def described(config: AnnotatorConfig, annotator: Annotator) -> dict[str, Any]:
    """What a record says of its annotator: the configuration, and which classes are foreground."""
    parser = annotator.annotator if isinstance(annotator, Screened) else annotator
    if isinstance(parser, FaceParser):
        config = replace(config, foreground=parser.foreground)
    return to_json(config)


def load_annotator(
    name: str,
    weights: Path,
    device: torch.device,
    rule: RejectionRule | None = None,
    *,
    foreground: Collection[str] | None = None,
    min_area: float = 0.0,
) -> Annotator:
    """The annotator called ``name``.

    Args:
        name: ``bisenet``: parsing, by default of faces; every class but the background is
            foreground.
            ``mask-rcnn``, ``detectron2``: one object of COCO, by the same weights on our network
            or on detectron2's. ``torchvision``: the same by another model.
        weights: Its checkpoint.
        device: Where to compute.
        rule: The class of the object, and which images are rejected; for all but ``bisenet``.
        foreground: Classes of ``bisenet`` that are foreground instead.
        min_area: Part of the image that the foreground of an accepted one covers at least; for
            ``bisenet``, whose files name its classes or are of faces.

    Raises:
        InputError: No annotator has that name, or the rule is missing or of no use.
        CheckpointError: The file cannot be read, or holds another network.
        MissingDependencyError: torchvision or detectron2 is needed and cannot be imported.
    """
    spec = ANNOTATORS.get(name)
    if not spec.needs_rule:
        if rule is not None:
            raise InputError(f"{spec.title} has no classes of COCO: it takes no rejection rule.")
        return load_parser(weights, device, foreground=foreground, min_area=min_area)
    if rule is None:
        raise InputError(f"{spec.title} finds objects of 80 classes: name the one that is wanted.")
    return MaskRcnnAnnotator(_detector(spec, weights, device), rule)


def _detector(spec: AnnotatorSpec, weights: Path, device: torch.device) -> Detector:
    if spec.name == "detectron2":
        _need(
            "detectron2", spec, f"{DETECTRON2_INSTALL}; or use mask-rcnn, which needs no compiler"
        )
        from l4f_bench.annotators.mask_rcnn.detectron2_detector import Detectron2Detector

        return Detectron2Detector(weights, device)
    _need("torchvision", spec, _TORCHVISION)
    if spec.name == "torchvision":
        from l4f_bench.annotators.mask_rcnn.torchvision_detector import TorchvisionDetector

        return TorchvisionDetector(weights, device)
    return NetworkDetector(load_mask_rcnn(weights).to(device))


def _need(module: str, spec: AnnotatorSpec, install: str) -> None:
    """Import a package that may be absent or built for another torch.

    Raises:
        MissingDependencyError: It cannot be imported.
    """
    try:
        importlib.import_module(module)
    except Exception as error:  # built for another torch, it fails with nearly anything
        reason = " ".join(str(error).split())[:200]
        raise MissingDependencyError(
            f"{spec.title} needs {module}, which cannot be imported ({reason}). Install {install}."
        ) from error
