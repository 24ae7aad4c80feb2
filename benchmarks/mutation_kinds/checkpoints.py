"""Checkpoints of networks, of every format."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import torch

from l4f_bench.generators.architecture import DiscriminatorArchitecture, GeneratorArchitecture
from l4f_bench.generators.checkpoints import load_discriminator, load_trained, read_checkpoint
from l4f_bench.generators.checkpoints.convert import convert_checkpoint, inspect_checkpoint
from l4f_bench.generators.checkpoints.description import lines
from l4f_bench.generators.discriminator import Discriminator
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.methods.labels4free.alpha import alpha_network
from l4f_bench.methods.labels4free.loading import load_alpha_network
from mutation_kinds.kind import Kind

PICKLES = {"ada-pickle": "nv_pickle/*.pkl", "tensorflow-pickle": "tf_pickle/network.pkl"}


def kinds(folder: Path, golden: Path | None) -> dict[str, Kind]:
    """Checkpoints of every format; pickles only where they are at hand."""
    found = {name: Kind(path, use_checkpoint) for name, path in checkpoints(folder).items()}
    if golden is not None:
        for name, pattern in PICKLES.items():
            found[name] = Kind(min(golden.glob(pattern)), use_checkpoint)
    return found


def checkpoints(folder: Path) -> dict[str, Path]:
    """A small checkpoint of every format that can be written here."""
    torch.manual_seed(0)
    channels = (8, 6, 5, 4)
    generator = Generator(
        GeneratorArchitecture(size=32, channels=channels, mapping_widths=(8, 8, 8))
    )
    discriminator = Discriminator(DiscriminatorArchitecture(size=32, channels=channels))
    alpha = alpha_network("bg_extractor_repro", (6, 5, 4)).state_dict()
    trained = {"g_ema": generator.state_dict(), "latent_avg": generator.mean_latent(64)[0]}
    trained["d"] = discriminator.state_dict()
    ours: dict[str, Any] = {"g": generator.state_dict(), "bg_extractor_ema": alpha}
    ours["args"] = argparse.Namespace(size=32, path="somewhere")
    files: dict[str, Path] = {}
    named = {"rosinality": trained, "labels4free": ours, "bare": alpha, "legacy": ours}
    for name, content in named.items():
        files[name] = folder / f"{name}.pt"
        torch.save(content, files[name], _use_new_zipfile_serialization=name != "legacy")
    files["safetensors"] = folder / "own.safetensors"
    convert_checkpoint(files["rosinality"], files["safetensors"])
    return files


def use_checkpoint(path: Path) -> None:
    """Look at a checkpoint, read it, and build what it holds."""
    if not all(line.isprintable() for line in lines(inspect_checkpoint(path))):
        raise AssertionError("control characters on the terminal")
    networks = read_checkpoint(path).networks
    if {"g", "g_ema"} & set(networks):
        load_trained(path)
    if "d" in networks:
        load_discriminator(path)
    if "alpha" in networks:
        load_alpha_network(path)
