"""What ``convert`` writes: safetensors with keys such as ``g_ema/style.1.weight``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.safetensors_file import write_tensors
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.json_data import parse_json

FORMAT_VERSION = 1
_METADATA_KEY = "l4f_bench"
_LONGEST_NAME = 1024


def own_document(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """What ``convert`` noted in the header; None in files of others.

    Raises:
        RefusedError: A newer version of this program wrote it, or it is damaged.
    """
    if _METADATA_KEY not in metadata:
        return None
    try:
        document = parse_json(metadata[_METADATA_KEY])
    except ValueError as error:
        raise RefusedError(f"its description is not JSON of ours ({error})") from None
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise RefusedError(f"format version {version!r:.40}; this program reads {FORMAT_VERSION}")
    _check(document)
    return dict(document)


def _check(document: dict[str, Any]) -> None:
    """Refuse a description whose entries are not of the types that ``convert`` writes."""
    parts = {key: document.get(key) for key in ("source", "conv_clamps", "metadata")}
    damaged = [key for key, value in parts.items() if not isinstance(value, dict)]
    if damaged:
        raise RefusedError(f"its description lacks {', '.join(damaged)}")
    name, digest = (document["source"].get(key) for key in ("name", "sha256"))
    if not isinstance(name, str) or not isinstance(digest, str):
        raise RefusedError("its description names no source")
    if len(name) > _LONGEST_NAME or not re.fullmatch(r"([0-9a-f]{64})?", digest):
        raise RefusedError("its description names an impossible source")
    if not all(type(clamp) in (int, float) for clamp in document["conv_clamps"].values()):
        raise RefusedError("its description holds a conv_clamp that is not a number")


def write_converted(path: Path, checkpoint: Checkpoint, document: Mapping[str, Any]) -> None:
    """Write every network and mean latent of ``checkpoint``, and ``document`` in the header."""
    tensors: dict[str, Tensor] = {}
    for name, state_dict in checkpoint.networks.items():
        tensors.update({f"{name}/{key}": value for key, value in state_dict.items()})
    for name, value in checkpoint.latent_averages.items():
        tensors["latent_avg" if name == "g_ema" else f"latent_avg/{name}"] = value
    text = json.dumps(document, sort_keys=True)
    write_tensors(path, tensors, {_METADATA_KEY: text})
