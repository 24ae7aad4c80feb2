"""The files of one projected photograph, and its line of metadata."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from safetensors.torch import save

from l4f_bench.json_data import parse_json
from l4f_bench.projection.image_errors import ImageErrors
from l4f_bench.projection.placement import ByteArray, Placement, put_back
from l4f_bench.projection.projectors import Projected
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import atomic_path

CODES, RECONSTRUCTIONS, ALPHA, MASKS = "codes", "reconstructions", "alpha", "masks"
_ENDINGS = {CODES: ".safetensors", RECONSTRUCTIONS: ".png", ALPHA: ".png", MASKS: ".png"}


def path_of(folder: Path, kind: str, stem: str) -> Path:
    """The file of a kind that belongs to a photograph, whose name has no ending here."""
    return folder / kind / f"{stem}{_ENDINGS[kind]}"


def write_files(
    folder: Path,
    stem: str,
    projected: Projected,
    placement: Placement,
    size: tuple[int, int],
    threshold: float,
) -> dict[str, str]:
    """Write what was found for a photograph.

    Args:
        folder: Where everything goes.
        stem: Name of the photograph without its ending; may lead into sub-folders.
        projected: What was found.
        placement: Where the picture is in the photograph.
        size: Height and width of the photograph, which alpha and mask get.
        threshold: Alpha above which a pixel is foreground.

    Returns:
        SHA-256 of the files by their kind.

    Raises:
        BenchError: They cannot be written.
    """
    tensors = {"w_plus": projected.w_plus.contiguous()}
    tensors |= {f"noise.{layer}": map_ for layer, map_ in enumerate(projected.maps)}
    contents = {
        CODES: save(tensors),
        RECONSTRUCTIONS: _png(projected.picture.transpose(1, 2, 0)),
    }
    if projected.alpha is not None:
        alpha = put_back(projected.alpha, placement, size)
        contents[ALPHA] = _png(np.round(alpha * 255).astype(np.uint8))
        contents[MASKS] = _png((alpha > threshold).astype(np.uint8) * 255)
    for kind, content in contents.items():
        with atomic_path(path_of(folder, kind, stem), durable=False) as temporary:
            temporary.write_bytes(content)
    return {kind: hashlib.sha256(content).hexdigest() for kind, content in contents.items()}


def line_of(
    name: str,
    digest: str,
    size: tuple[int, int],
    placement: Placement,
    errors: ImageErrors,
    extra: dict[str, Any],
    digests: dict[str, str],
) -> str:
    """A photograph's line of metadata, without its end."""
    document = {
        "image": name,
        "image_sha256": digest,
        "size": list(size[::-1]),
        "picture": asdict(placement),
        **asdict(errors),
        **extra,
        "sha256": digests,
    }
    return json.dumps(document)


def unreadable_line(name: str, reason: str) -> str:
    """The line of a photograph that cannot be read."""
    return json.dumps({"image": name, "unreadable": reason})


def is_true(line: str, folder: Path, name: str, photograph: Path, stem: str) -> bool:
    """Whether a line is what a run would write of a photograph: its files and itself are as noted.

    A photograph that could not be read is tried again.
    """
    try:
        document = parse_json(line)
        digests = dict(document["sha256"])
        if document["image"] != name or CODES not in digests or not digests.keys() <= {*_ENDINGS}:
            return False
        if sha256_of(photograph) != document["image_sha256"]:
            return False
        return all(
            sha256_of(path_of(folder, kind, stem)) == digest for kind, digest in digests.items()
        )
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _png(array: ByteArray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, format="png")
    return buffer.getvalue()
