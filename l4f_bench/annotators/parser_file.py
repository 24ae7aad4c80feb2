"""Networks that parse images as files: public state dicts, and ours, which name their classes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.contracts import Normalisation, ParsingNetwork
from l4f_bench.annotators.face_parsing import FACE_CLASSES, FACE_SIDE, FaceParser
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.annotators.unet import UNet
from l4f_bench.errors import MissingAssetError
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import StateDict, checked_tensors, without_prefix
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.folding import for_inference
from l4f_bench.runs import atomic_path

_METADATA_KEY = "l4f_bench_parser"
_LARGEST_SIDE = 4096  # a file cannot make us resize images to any size
_NETWORKS: tuple[type[ParsingNetwork], ...] = (BiSeNet, UNet)
_MASK_VALUES = "mask_values"  # of data sets, which public U-Net code puts beside the tensors


def load_bisenet(path: Path | str) -> BiSeNet:
    """A BiSeNet of the file's width and classes with its weights, on the CPU in eval mode.

    Args:
        path: A bare state dict, as ``79999_iter.pth``, or the same in safetensors.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
    """
    path = Path(path)
    with refusals_named(path):
        return BiSeNet.from_state_dict(_read(path)[0])


def load_parsing_annotator(
    weights: Path, device: torch.device, rule: RejectionRule, foreground: tuple[str, ...]
) -> FaceParser:
    """A BiSeNet as an annotator; arguments as in :class:`AnnotatorSpec`.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
        InputError: The network has no such class; the nearest is given.
    """
    return _annotator(BiSeNet, weights, device, rule, foreground)


def load_unet_annotator(
    weights: Path | None, device: torch.device, rule: RejectionRule, foreground: tuple[str, ...]
) -> FaceParser:
    """A U-Net as an annotator; arguments as in :class:`AnnotatorSpec`.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
        InputError: The network has no such class; the nearest is given.
        MissingAssetError: No file is given.
    """
    if weights is None:
        raise MissingAssetError(
            "No U-Net is embedded for these images. Give one with --annotator-weights FILE, or, "
            "where it is the method, with --weights FILE."
        )
    return _annotator(UNet, weights, device, rule, foreground)


def _annotator(
    network: type[ParsingNetwork],
    weights: Path,
    device: torch.device,
    rule: RejectionRule,
    foreground: tuple[str, ...],
) -> FaceParser:
    return load_parser(
        weights,
        device,
        network=network,
        foreground=foreground or None,
        min_area=rule.min_area,
        one_piece=rule.one_piece,
    )


def load_parser(
    path: Path | str,
    device: torch.device,
    *,
    network: type[ParsingNetwork] | None = None,
    foreground: Collection[str] | None = None,
    min_area: float = 0.0,
    one_piece: bool = False,
) -> FaceParser:
    """A parser ready to annotate, as its file describes it, or else as published ones are.

    Args:
        path: A state dict of a BiSeNet or a U-Net, or what :func:`write_parser` wrote.
        device: Where to compute.
        network: The kind of network that it must be; None tells it by the keys.
        foreground: Names of the classes that are foreground; None for all but the first.
        min_area: Part of an image, 0 to 1, that its foreground must cover at least.
        one_piece: Reject images whose foreground lies in several pieces.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
        InputError: The network has no such class; the nearest is given.
    """
    path = Path(path)
    with refusals_named(path):
        tensors, metadata = _read(path)
        kind = network or _told_by_keys(tensors)
        loaded = kind.from_state_dict(tensors)
        described = _described(metadata, loaded)
    return FaceParser(
        for_inference(loaded).to(device),
        classes=described.classes,
        foreground=foreground,
        side=described.side,
        min_area=min_area,
        normalisation=described.normalisation,
        one_piece=one_piece,
    )


def _told_by_keys(tensors: StateDict) -> type[ParsingNetwork]:
    for kind in _NETWORKS:
        if kind.has_keys_of(tensors):
            return kind
    found = ", ".join(f"{key:.60}" for key in list(tensors)[:5])
    names = " nor a ".join(kind.__name__ for kind in _NETWORKS)
    raise RefusedError(f"neither a {names}; its keys: {found} …")


@dataclass(frozen=True, slots=True)
class _Description:
    """What a file says of its network."""

    classes: tuple[str, ...]
    side: int
    normalisation: Normalisation


def _described(metadata: dict[str, str], network: ParsingNetwork) -> _Description:
    """What the file says; else what is true of published networks."""
    try:
        document = json.loads(metadata.get(_METADATA_KEY, "{}"))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RefusedError("its description is damaged")
    classes, side = (
        document.get("classes", _usual_classes(network)),
        document.get("side", FACE_SIDE),
    )
    named = isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes)
    if not named or type(side) is not int or not 1 <= side <= _LARGEST_SIDE:
        raise RefusedError("its description names no classes or no possible size")
    normalisation = document.get("normalisation", network.normalisation)
    if normalisation not in get_args(Normalisation):
        raise RefusedError("its description names an unknown normalisation of pixels")
    return _Description(tuple(classes), side, normalisation)


def _usual_classes(network: ParsingNetwork) -> tuple[str, ...]:
    """Faces' classes for a BiSeNet; published U-Nets are of anything."""
    if isinstance(network, BiSeNet):
        return FACE_CLASSES
    if network.num_classes == 2:
        return ("background", "object")
    return ("background", *(f"class-{index}" for index in range(1, network.num_classes)))


def write_parser(
    path: Path, network: ParsingNetwork, *, classes: Sequence[str], side: int, about: dict[str, Any]
) -> None:
    """Write a network, which reads pixels as usual for its kind, with what is needed to use it.

    Args:
        path: The safetensors file to write.
        network: A trained network.
        classes: Names of its classes by index, background first.
        side: Pixels that images are resized to.
        about: How it was made; JSON data.

    Raises:
        InputError: The file cannot be written.
    """
    from safetensors.torch import save_file

    description = {
        "classes": list(classes),
        "side": side,
        "normalisation": network.normalisation,
        **about,
    }
    document = json.dumps(description, sort_keys=True)
    tensors = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_METADATA_KEY: document})


def _read(path: Path) -> tuple[StateDict, dict[str, str]]:
    kind = sniff(path)
    if kind == "pickle":
        raise RefusedError("a pickle, where these networks come as PyTorch state dicts")
    metadata: dict[str, str] = {}
    if kind == "safetensors":
        content, metadata = read_tensors(path)
    else:
        content = read_torch_file(path)
    if not isinstance(content, dict):
        raise RefusedError("not a state dict")
    tensors = {key: value for key, value in content.items() if key != _MASK_VALUES}
    checked_tensors({"the network": tensors}, path.stat().st_size)
    return without_prefix(tensors), metadata
