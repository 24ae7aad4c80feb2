"""Any readable checkpoint to safetensors, with a description beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from l4f_bench import __version__
from l4f_bench.errors import InputError
from l4f_bench.files.errors import refusals_named
from l4f_bench.generators.checkpoints.checkpoint import Checkpoint
from l4f_bench.generators.checkpoints.converted import FORMAT_VERSION, write_converted
from l4f_bench.generators.checkpoints.description import describe
from l4f_bench.generators.checkpoints.reader import read_checkpoint, read_outline
from l4f_bench.runs import atomic_path, check_file


def convert_checkpoint(source: Path, target: Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write the networks of ``source`` to ``target``, and a JSON description beside it.

    Keys are ``<network>/<key in the rosinality layout>``, and ``latent_avg`` for the mean latent
    of the averaged generator. ``read_checkpoint`` reads the result with equal tensors.

    Args:
        source: A checkpoint of any supported format.
        target: The file to write, ``*.safetensors``; the description gets the suffix ``.json``.
        overwrite: Replace existing files.

    Returns:
        The description, as written: format version, source, architecture of every network.

    Raises:
        CheckpointError: ``source`` cannot be read.
        InputError: ``target`` exists, has another suffix, or cannot be written.
    """
    if target.suffix != ".safetensors":
        raise InputError(f"{target} must end in .safetensors, the only format that is written.")
    sidecar = target.with_suffix(".json")
    for path in (target, sidecar):
        check_file(path)
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists. Choose another name, or replace it with --force.")
    checkpoint = read_checkpoint(source)
    with atomic_path(sidecar) as temporary:  # a disk without room for both keeps neither
        document = write_checkpoint(target, checkpoint)
        temporary.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return document


def write_checkpoint(target: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    """Write networks in the format of ``convert``, atomically.

    Returns:
        The description in the file's header.

    Raises:
        InputError: ``target`` cannot be written, or tensors that fix a network's sizes are wrong.
    """
    with refusals_named(target):
        document = {
            "format_version": FORMAT_VERSION,
            "converter_version": __version__,
            **describe(checkpoint),
            "source": {"name": checkpoint.source_name, "sha256": checkpoint.source_sha256},
        }
    with atomic_path(target) as temporary:
        write_converted(temporary, checkpoint, document)
    return document


def inspect_checkpoint(path: Path) -> dict[str, Any]:
    """Description of a checkpoint from its headers and records; tensors are not loaded.

    Raises:
        CheckpointError: It cannot be read.
    """
    with refusals_named(path):
        description = describe(read_outline(path))
    return {"file": path.name, "bytes": path.stat().st_size, **description}
