"""Small random PSeg networks and files, for tests."""

from __future__ import annotations

from pathlib import Path

import torch

from l4f_bench_baselines.pseg.architecture import PSegArchitecture
from l4f_bench_baselines.pseg.generator import LayeredGenerator


def small_pseg(variant: str = "two-generators", seed: int = 0) -> LayeredGenerator:
    """A generator of 4, 8 and 16 pixels with random weights, its noise switched on."""
    torch.manual_seed(seed)
    sizes = PSegArchitecture(variant=variant, channels=(6, 5, 4), code_dim=8, mapping_layers=2)  # type: ignore[arg-type]
    generator = LayeredGenerator(sizes).eval()
    with torch.no_grad():
        for name, parameter in generator.named_parameters():
            if ".noise" in name:
                parameter.fill_(0.3)
    return generator


def save_public(path: Path, generator: LayeredGenerator, **changes: object) -> Path:
    """A checkpoint as the released code saves it; None leaves an entry out."""
    other = small_pseg(generator.architecture.variant, seed=9)
    content: dict[str, object] = {
        "generator": other.state_dict(),
        "discriminator": {},
        "g_optimizer": torch.optim.Adam(other.parameters()).state_dict(),
        "d_optimizer": {"state": {}, "param_groups": []},
        "generator_running": generator.state_dict(),
        "alpha": 1.0,
        "step": 2,
    }
    content |= changes
    torch.save({key: value for key, value in content.items() if value is not None}, path)
    return path
