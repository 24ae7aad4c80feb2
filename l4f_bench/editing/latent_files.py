"""Latents, attributes and scores that a user brings."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.editing.attributes import NUM_LIGHTS, check_contexts
from l4f_bench.errors import InputError
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.npy import read_array
from l4f_bench.files.state_dicts import checked_tensors
from l4f_bench.files.tensor_files import read_object

_MAX_TABLE_BYTES = 256 << 20


def read_numbers(path: Path) -> Tensor:
    """The one array of finite numbers in a file, float32.

    Args:
        path: ``.npy``, or safetensors or ``.pt`` with one tensor.

    Raises:
        CheckpointError: It cannot be read, or holds anything else.
    """
    with refusals_named(path):
        if path.suffix == ".npy":
            array = read_array(path)
            if array.dtype.kind not in "fiu":
                raise RefusedError(f"it holds {array.dtype!s:.40}, no numbers")
            tensor = torch.from_numpy(array.astype(np.float32))
        else:
            content = read_object(path)
            if isinstance(content, dict) and len(content) == 1:
                content = next(iter(content.values()))
            if not isinstance(content, Tensor):
                raise RefusedError("it holds more than one tensor")
            tensor = content
        checked_tensors({"the file": {"its tensor": tensor}}, path.stat().st_size)
        return tensor.float()


def read_contexts(path: Path, num_samples: int) -> Tensor:
    """Attributes of the samples for StyleFlow, ``[N, 17]``.

    Raises:
        CheckpointError: The file cannot be read.
        InputError: They have another shape, or are of fewer samples.
    """
    contexts = read_numbers(path)
    if contexts.ndim > 2:
        contexts = contexts.flatten(1)
    check_contexts(contexts)
    if len(contexts) < num_samples:
        raise InputError(
            f"{path} holds the attributes of {len(contexts)} samples, but {num_samples} are to be "
            "edited. Give one row a sample, or a smaller -n."
        )
    return contexts


def read_lights(path: Path) -> Tensor:
    """Presets of light for StyleFlow, ``[P, 9]``.

    Raises:
        CheckpointError: The file cannot be read.
        InputError: They have another shape.
    """
    lights = read_numbers(path)
    if lights.ndim == 1:
        lights = lights[None]
    if lights.ndim != 2 or lights.shape[1] != NUM_LIGHTS or not len(lights):
        raise InputError(
            f"{path} is no presets of light: it has the shape {list(lights.shape)}. Give "
            f"[P, {NUM_LIGHTS}], a row a preset."
        )
    return lights


def read_score_table(path: Path) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Indices and scores of samples, from a table with the columns ``index`` and ``score``.

    Raises:
        InputError: It cannot be read, lacks a column, or holds what are no such numbers.
    """
    try:
        if not path.is_file() or path.stat().st_size > _MAX_TABLE_BYTES:
            raise InputError(f"Cannot read {path}: no regular file of a table's size.")
        text = path.read_text(encoding="utf-8-sig")
        table = csv.DictReader(io.StringIO(text))
        if not {"index", "score"} <= set(table.fieldnames or ()):
            raise KeyError("a column is missing")
        rows = list(table)
        indices = [int(row["index"]) for row in rows]
        scores = np.array([float(row["score"]) for row in rows], np.float64)
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error!s:.80}"
        raise InputError(
            f"Cannot read {path} ({reason}). Give a .csv with the columns index and score."
        ) from None
    if any(index < 0 for index in indices) or not all(map(math.isfinite, scores)):
        raise InputError(f"{path} holds negative indices, or scores that are no finite numbers.")
    return indices, scores
