"""Small random networks and checkpoint files of public formats, for tests."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import torch

from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.methods.labels4free.alpha import AlphaNetwork, alpha_network


def small_generator(
    size: int = 32, channels: tuple[int, ...] = (8, 6, 5, 4), seed: int = 0
) -> Generator:
    """A generator with random weights, narrow enough for any test."""
    torch.manual_seed(seed)
    architecture = GeneratorArchitecture(size=size, channels=channels, mapping_widths=(8, 8, 8))
    generator = Generator(architecture).eval()
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if name.endswith("noise.weight"):
                parameter.fill_(0.3)  # noise must show, or nothing about it is tested
    return generator


def small_alpha(
    channels: tuple[int, ...] = (5, 4), layout: str = "bg_extractor", seed: int = 1
) -> AlphaNetwork:
    """An alpha network with random weights."""
    torch.manual_seed(seed)
    return alpha_network(layout, channels).eval()


def save_rosinality(path: Path, generator: Generator) -> Path:
    """A generator checkpoint as the rosinality converter writes it."""
    mean = generator.mean_latent(64)[0]
    torch.save({"g_ema": generator.state_dict(), "latent_avg": mean}, path)
    return path


def save_labels4free(path: Path, alpha: AlphaNetwork) -> Path:
    """An alpha checkpoint as the released Labels4Free trainer writes it on several GPUs."""
    state = alpha.state_dict()
    content = {
        "bg_extractor": {f"module.{key}": value for key, value in state.items()},
        "bg_extractor_ema": state,
        "args": Namespace(size=32, path="somewhere"),
        "ada_aug_p": 0.0,
    }
    torch.save(content, path)
    return path
