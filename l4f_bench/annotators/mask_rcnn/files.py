"""Mask R-CNN checkpoints: the model zoo's pickles, PyTorch files and safetensors."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from l4f_bench.annotators.mask_rcnn.network import MaskRCNN
from l4f_bench.files.errors import RefusedError, refusals_named
from l4f_bench.files.pickled_values import (
    MAPPING_NAMES,
    NUMPY_NAMES,
    as_array,
    as_mapping,
)
from l4f_bench.files.restricted_pickle import read_pickle
from l4f_bench.files.safetensors_file import read_tensors
from l4f_bench.files.sniff import sniff
from l4f_bench.files.state_dicts import StateDict, checked_tensors, without_prefix
from l4f_bench.files.torch_file import read_torch_file


def load_mask_rcnn(path: Path | str) -> MaskRCNN:
    """A Mask R-CNN of the file's sizes with its weights, on the CPU, ready for inference.

    Args:
        path: ``model_final_*.pkl`` of detectron2's model zoo, a checkpoint of its trainer
            (``.pth``), a bare state dict, or the same in safetensors.

    Raises:
        CheckpointError: The file cannot be read, or holds another network or other keys.
    """
    path = Path(path)
    with refusals_named(path):
        return MaskRCNN.from_state_dict(read_state_dict(path))


def read_state_dict(path: Path) -> StateDict:
    """Tensors of a detection network, from any of these formats; nothing in the file is executed.

    Raises:
        RefusedError: The file holds anything else.
    """
    kind = sniff(path)
    if kind == "pickle":
        return _pickled(path)
    content = read_tensors(path)[0] if kind == "safetensors" else read_torch_file(path)
    content = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(content, dict):
        raise RefusedError("not a state dict")
    checked_tensors({"Mask R-CNN": content}, path.stat().st_size)
    return without_prefix(content)


def _pickled(path: Path) -> StateDict:
    """Tensors of a model zoo file, in memory of their own."""
    with path.open("rb") as file:
        # Not closed by hand: the arrays that are read point into it, and the last one closes it.
        return _tensors(memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)))


def _tensors(data: memoryview) -> StateDict:
    content, _ = read_pickle(data, NUMPY_NAMES | MAPPING_NAMES | {("_codecs", "encode")})
    outer = as_mapping(content, "its content")
    if "model" not in outer:
        hint = " (Detectron1 and Caffe2 name tensors otherwise)" if "blobs" in outer else ""
        raise RefusedError(f"no 'model' in it, where detectron2 puts the weights{hint}")
    model = as_mapping(outer["model"], "its 'model'")
    tensors: StateDict = {}
    total = 0
    for key, value in model.items():
        if not isinstance(key, str):
            raise RefusedError("a tensor whose name is not a string")
        tensors[key] = _tensor(key, value)
        total += tensors[key].numel()
        if total > len(data):  # four bytes each: shared arrays can claim more than the file holds
            raise RefusedError("its tensors claim more than the file holds")
    return tensors


def _tensor(key: str, value: Any) -> Tensor:
    array = as_array(value)
    if array.dtype.kind not in "fiu":
        raise RefusedError(f"{key:.80} does not hold numbers")
    return torch.from_numpy(array.astype(np.float32, order="C"))
