"""BiSeNet parsers as files: the public state dict, and ours, which names its classes."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import torch

from l4f_bench.annotators.bisenet import BiSeNet
from l4f_bench.annotators.face_parsing import FACE_CLASSES, FACE_SIDE, FaceParser
from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import StateDict, checked_tensors, without_prefix
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.runs import atomic_path

_METADATA_KEY = "l4f_bench_parser"
_LARGEST_SIDE = 4096  # a file cannot make us resize images to any size


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
    """A parser as an annotator; arguments as in :class:`AnnotatorSpec`.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
        InputError: The network has no such class; the nearest is given.
    """
    return load_parser(weights, device, foreground=foreground or None, min_area=rule.min_area)


def load_parser(
    path: Path | str,
    device: torch.device,
    *,
    foreground: Collection[str] | None = None,
    min_area: float = 0.0,
) -> FaceParser:
    """A parser ready to annotate; its classes and size are the file's, or those of faces.

    Args:
        path: As for :func:`load_bisenet`, or what :func:`write_parser` wrote.
        device: Where to compute.
        foreground: Names of the classes that are foreground; None for all but the first.
        min_area: Part of an image, 0 to 1, that its foreground must cover at least.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
        InputError: The network has no such class; the nearest is given.
    """
    path = Path(path)
    with refusals_named(path):
        tensors, metadata = _read(path)
        network = BiSeNet.from_state_dict(tensors).to(device)
        classes, side = _described(metadata)
    return FaceParser(network, classes=classes, foreground=foreground, side=side, min_area=min_area)


def _described(metadata: dict[str, str]) -> tuple[tuple[str, ...], int]:
    """Names of the classes and side of the images, as the file says; else those of faces."""
    try:
        document = json.loads(metadata.get(_METADATA_KEY, "{}"))
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise RefusedError("its description is damaged")
    classes, side = document.get("classes", FACE_CLASSES), document.get("side", FACE_SIDE)
    named = isinstance(classes, list | tuple) and all(isinstance(name, str) for name in classes)
    if not named or type(side) is not int or not 1 <= side <= _LARGEST_SIDE:
        raise RefusedError("its description names no classes or no possible size")
    return tuple(classes), side


def write_parser(
    path: Path, network: BiSeNet, *, classes: Sequence[str], side: int, about: dict[str, Any]
) -> None:
    """Write a network with what is needed to use it.

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

    document = json.dumps({"classes": list(classes), "side": side, **about}, sort_keys=True)
    tensors = {key: value.cpu().contiguous() for key, value in network.state_dict().items()}
    with atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_METADATA_KEY: document})


def _read(path: Path) -> tuple[StateDict, dict[str, str]]:
    kind = sniff(path)
    if kind == "pickle":
        raise RefusedError("a pickle, where a BiSeNet comes as a PyTorch state dict")
    metadata: dict[str, str] = {}
    if kind == "safetensors":
        content, metadata = read_tensors(path)
    else:
        content = read_torch_file(path)
    if not isinstance(content, dict):
        raise RefusedError("not a state dict")
    checked_tensors({"BiSeNet": content}, path.stat().st_size)
    return without_prefix(content), metadata
