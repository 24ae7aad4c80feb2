"""Training checkpoints: whole or refused, and never only one of them.

A file of ``torch.save`` holds the state of the trainer and where the run stands. It is read as any
file of unknown origin (:mod:`l4f_bench.files.torch_file`).
"""

from __future__ import annotations

import io
import math
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.errors import InputError, is_out_of_memory
from l4f_bench.files.errors import CheckpointError, RefusedError, refusals_named
from l4f_bench.files.torch_file import read_torch_file
from l4f_bench.runs import atomic_path

FORMAT_VERSION = 2
_FORMAT = "l4f-bench training checkpoint"
_KEPT = 2  # should the newest turn out damaged, the one before it is used
_NAME = re.compile(r"step-(\d{9})\.ckpt")
_LONGEST_REASON = 500


@dataclass(slots=True)
class Progress:
    """Where a run stands, beside what its trainer has learnt."""

    step: int = 0
    """Steps done."""
    figures: list[dict[str, float]] = field(default_factory=list)
    """Losses and other figures of the steps since the last line of the log."""
    seconds: float = 0.0
    """How long these steps took."""
    log: str = ""
    """Lines of the log so far."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """What a checkpoint holds."""

    path: Path
    progress: Progress
    state: dict[str, Any]
    """The trainer's: finite tensors and plain values, on the CPU."""
    damaged: tuple[Path, ...] = ()
    """Newer checkpoints that cannot be used."""


def check_room(folder: Path, state: dict[str, Any]) -> None:
    """Raise if a trainer's state would fill the disk of ``folder`` by being kept as usual.

    Raises:
        InputError: Three checkpoints do not fit.
    """
    tensors = [value for value in _leaves(state, set()) if isinstance(value, Tensor)]
    needed = (_KEPT + 1) * sum(tensor.nbytes for tensor in tensors)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise InputError(
            f"{folder} has {free >> 20} MiB free, but checkpoints need {needed >> 20} MiB. Make "
            "room, or choose another folder."
        )


def save_checkpoint(folder: Path, progress: Progress, state: dict[str, Any]) -> Path:
    """Write a trainer's ``state`` after ``progress.step`` steps, and keep the one before it.

    Raises:
        InputError: The folder cannot be written, or the disk is full.
    """
    buffer = io.BytesIO()  # PyTorch itself would not say that the disk is full
    content = {"format": _FORMAT, "version": FORMAT_VERSION, **asdict(progress), "trainer": state}
    torch.save(content, buffer)
    path = folder / f"step-{progress.step:09d}.ckpt"
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())
    for old in _newest_first(folder)[_KEPT:]:
        old.unlink()
    return path


def load_newest(
    folder: Path, take: Callable[[dict[str, Any]], object] = lambda state: None
) -> SavedState | None:
    """The newest checkpoint of ``folder`` that can be used; None where none has been written.

    Args:
        folder: Where the checkpoints of one run are.
        take: Puts the trainer's state in place; whatever it raises makes the checkpoint unusable.

    Raises:
        InputError: There are checkpoints, but none can be used.
    """
    paths = _newest_first(folder)
    reasons = []
    for number, path in enumerate(paths):
        try:
            with refusals_named(path):
                progress, state = _read(path)
                take(state)
        except CheckpointError as error:
            if error.__cause__ is not None and is_out_of_memory(error.__cause__):
                raise
            reasons.append(f"{error!s:.{_LONGEST_REASON}}")
            continue
        return SavedState(path, progress, state, tuple(paths[:number]))
    if paths:
        raise InputError(
            f"No checkpoint of this run can be used. {' '.join(reasons)} Start again in another "
            "folder."
        )
    return None


def _newest_first(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step-*.ckpt") if _NAME.fullmatch(path.name)]
    return sorted((path for path in found if path.is_file()), reverse=True)


def _read(path: Path) -> tuple[Progress, dict[str, Any]]:
    content = read_torch_file(path)
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise RefusedError("not a training checkpoint")
    if content["version"] != FORMAT_VERSION:
        raise RefusedError(f"version {content['version']}; this program reads {FORMAT_VERSION}")
    progress = Progress(*(content[name] for name in ("step", "figures", "seconds", "log")))
    _check_progress(progress)
    if path.name != f"step-{progress.step:09d}.ckpt":
        raise RefusedError(f"its name is not that of step {progress.step}")
    for value in _leaves(content, set()):
        if isinstance(value, Tensor):
            finite = not value.is_complex() and bool(value.isfinite().all())
        else:
            finite = not isinstance(value, float) or math.isfinite(value)
        if not finite:
            raise RefusedError("it holds values that are no finite numbers")
    if not isinstance(content["trainer"], dict):
        raise RefusedError("it holds no state of a trainer")
    return progress, content["trainer"]


def _check_progress(progress: Progress) -> None:
    """Refuse what the loop would stumble over."""
    figures = progress.figures
    numbers = [progress.seconds, *(value for step in figures for value in step.values())]
    if (
        type(progress.step) is not int
        or type(figures) is not list
        or not all(type(value) in (int, float) and math.isfinite(value) for value in numbers)
        or any(step.keys() != figures[0].keys() for step in figures)
        or not all(isinstance(key, str) for step in figures for key in step)
        or len(figures) > progress.step
        or progress.seconds < 0
    ):
        raise RefusedError("what it says of the run's progress is damaged")
    progress.log.encode()  # a string, and one that can be written


def _leaves(value: Any, seen: set[int]) -> Iterator[Any]:
    """What nested dictionaries, lists and tuples hold; what is shared comes once."""
    if not isinstance(value, (Mapping, list, tuple)):
        yield value
    elif id(value) not in seen:
        seen.add(id(value))
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _leaves(part, seen)
