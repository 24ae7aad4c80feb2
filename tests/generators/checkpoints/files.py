"""Small valid checkpoint files of every format, written by the libraries that define them."""

from __future__ import annotations

from argparse import Namespace
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from l4f_bench.generators.checkpoints import read_checkpoint
from l4f_bench.generators.checkpoints.convert import convert_checkpoint
from tests.goldens import ROOT

GOLDEN = ROOT / "tests" / "golden"
HOSTILE = GOLDEN / "hostile"
ADA_PICKLE = GOLDEN / "nv_pickle" / "network-snapshot-000100.pkl"
TENSORFLOW_PICKLE = GOLDEN / "tf_pickle" / "network.pkl"

StateDict = dict[str, Tensor]


def alpha_state_dict(*, repro: bool, features: tuple[int, ...] = (8, 8, 6, 6, 4, 4)) -> StateDict:
    """Random alpha network for a generator of 8, 16 and 32 px with the given feature widths."""
    generator = torch.Generator().manual_seed(3)
    levels = len(features) // 2
    shapes: dict[str, tuple[int, int]] = {}
    for index, width in enumerate(features):
        level, which = divmod(index, 2)
        shapes[f"conv{index + 1}" if repro else f"conv_fns{which}.{level}"] = (3, width)
    for level in range(levels - 2):
        last = "" if level == 0 else str(level + 1)
        shapes[f"conv_next{last}" if repro else f"conv_merge_fns.{level}"] = (6, 12)
    shapes["conv_n"] = (1, 6)
    state_dict = {}
    for name, (out, width) in shapes.items():
        state_dict[f"{name}.weight"] = torch.randn(out, width, 1, 1, generator=generator)
        state_dict[f"{name}.bias"] = torch.randn(out, generator=generator)
    return state_dict


def optimizer_state() -> dict[str, Any]:
    """State of an Adam optimizer after one step."""
    parameter = torch.nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter], lr=0.1)
    parameter.grad = torch.ones(3)
    optimizer.step()
    return optimizer.state_dict()


def rosinality_trained() -> dict[str, Any]:
    """Content of a file of the rosinality training script."""
    source = read_checkpoint(TENSORFLOW_PICKLE)
    return {
        "g": OrderedDict(source.networks["g"]),
        "d": OrderedDict(source.networks["d"]),
        "g_ema": OrderedDict(source.networks["g_ema"]),
        "g_optim": optimizer_state(),
        "d_optim": optimizer_state(),
        "args": Namespace(size=32, latent=64, n_mlp=3, channel_multiplier=2, r1=10.0, ckpt=None),
        "ada_aug_p": 0.0,
    }


def rosinality_converted() -> dict[str, Any]:
    """Content of a file of the rosinality conversion script."""
    source = read_checkpoint(TENSORFLOW_PICKLE)
    return {"g_ema": source.networks["g_ema"], "latent_avg": source.latent_averages["g_ema"]}


def labels4free(*, repro: bool = True) -> dict[str, Any]:
    """Content of a file of the Labels4Free training script on several GPUs."""
    source = rosinality_trained()
    alpha = alpha_state_dict(repro=repro)
    del source["g_ema"]
    source["bg_extractor"] = {f"module.{key}": value + 1 for key, value in alpha.items()}
    source["bg_extractor_ema"] = alpha
    return source


def write_all(folder: Path) -> dict[str, Path]:
    """One small valid file of every format, by format."""
    files = {"ada-pickle": ADA_PICKLE, "tensorflow-pickle": TENSORFLOW_PICKLE}
    for name, content in (
        ("rosinality", rosinality_converted()),
        ("labels4free", labels4free()),
        ("bare", alpha_state_dict(repro=False)),
    ):
        files[name] = folder / f"{name}.pt"
        torch.save(content, files[name])
    files["legacy"] = folder / "legacy.pt"
    torch.save(labels4free(), files["legacy"], _use_new_zipfile_serialization=False)
    files["safetensors"] = folder / "own.safetensors"
    convert_checkpoint(files["labels4free"], files["safetensors"])
    return files
