"""What ``convert`` writes: safetensors with keys such as ``g_ema/style.1.weight``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from l4f_bench.files.errors import RefusedError
from l4f_bench.files.safetensors_file import write_tensors
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint

FORMAT_VERSION = 1
_METADATA_KEY = "l4f_bench"


def own_document(metadata: Mapping[str, str]) -> dict[str, Any] | None:
    """What ``convert`` noted in the header; None in files of others.

    Raises:
        RefusedError: A newer version of this program wrote it, or it is damaged.
    """
    if _METADATA_KEY not in metadata:
        return None
    document = json.loads(metadata[_METADATA_KEY])
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise RefusedError(f"format version {version!r:.40}; this program reads {FORMAT_VERSION}")
    return dict(document)


def write_converted(path: Path, checkpoint: Checkpoint, document: Mapping[str, Any]) -> None:
    """Write every network and mean latent of ``checkpoint``, and ``document`` in the header."""
    tensors: dict[str, Tensor] = {}
    for name, state_dict in checkpoint.networks.items():
        tensors.update({f"{name}/{key}": value for key, value in state_dict.items()})
    for name, value in checkpoint.latent_averages.items():
        tensors["latent_avg" if name == "g_ema" else f"latent_avg/{name}"] = value
    text = json.dumps(document, sort_keys=True)
    write_tensors(path, tensors, {_METADATA_KEY: text})
