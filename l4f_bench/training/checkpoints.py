"""Training checkpoints: whole or detected, and never only one of them.

A file holds one line of JSON (format, step, length and SHA-256 of the rest), then what
``torch.save`` writes of plain values and tensors.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from l4f_bench.errors import InputError
from l4f_bench.runs import atomic_path

FORMAT_VERSION = 1
_FORMAT = "l4f-bench training checkpoint"
_KEPT = 2  # should the newest turn out damaged, the one before it is used
_LONGEST_HEADER = 1024


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a checkpoint holds."""

    path: Path
    step: int
    """Steps done."""
    state: dict[str, Any]
    """Tensors and plain values, on the CPU."""
    damaged: tuple[Path, ...] = ()
    """Newer checkpoints that cannot be used."""


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write ``state`` as the checkpoint of ``step`` atomically, and keep the one before it.

    Raises:
        InputError: The folder cannot be written, or the disk is full.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getbuffer()
    header = {
        "format": _FORMAT,
        "version": FORMAT_VERSION,
        "step": step,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    path = folder / f"step-{step:09d}.ckpt"
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        file.write(content)
    for old in _newest_first(folder)[_KEPT:]:
        old.unlink()
    return path


def load_newest(folder: Path) -> SavedState | None:
    """The newest whole checkpoint of ``folder``; None where none has been written.

    Raises:
        InputError: There are checkpoints, but all are damaged or of a newer version.
    """
    paths = _newest_first(folder)
    reasons = []
    for number, path in enumerate(paths):
        try:
            step, state = _read(path)
        except ValueError as error:
            reasons.append(f"{path.name}: {error}")
            continue
        return SavedState(path, step, state, tuple(paths[:number]))
    if paths:
        raise InputError(
            f"No checkpoint in {folder} can be used ({'; '.join(reasons)}). Start again in another "
            "folder."
        )
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step-*.ckpt"), reverse=True)


def _read(path: Path) -> tuple[int, dict[str, Any]]:
    """Step and state of a checkpoint; a ValueError says what is wrong with it."""
    with path.open("rb") as file:
        line = file.readline(_LONGEST_HEADER)
        try:
            header = json.loads(line)
            expected = (header["format"], header["version"], header["bytes"], header["sha256"])
            step = int(header["step"])
        except (ValueError, KeyError, TypeError):
            raise ValueError("not a training checkpoint, or its first line is damaged") from None
        content = file.read()
    if expected[:2] != (_FORMAT, FORMAT_VERSION):
        raise ValueError(f"it has version {expected[1]}; this program reads {FORMAT_VERSION}")
    if len(content) != expected[2]:
        raise ValueError(f"cut short: {len(content)} of {expected[2]} bytes")
    if hashlib.sha256(content).hexdigest() != expected[3]:
        raise ValueError("damaged: its digest does not match")
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        raise ValueError(str(error).splitlines()[0]) from None
    return step, dict(state)
