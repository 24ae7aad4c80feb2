"""Small encoders, and files of them as the public code writes them."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.projection.architecture import EncoderArchitecture
from l4f_bench.projection.encoders import ENCODERS, Encoder

# For the small generator of tests: 8 rows of 8 numbers.
SIZES = EncoderArchitecture(
    num_styles=8,
    latent_width=8,
    stem_width=4,
    widths=(4, 6, 8, 10),
    blocks=(1, 1, 2, 1),
    squeezed=(2, 2, 2, 2),
    head_width=6,
    head_convs=1,
)


def small_encoder(
    kind: str = "GradualStyleEncoder", sizes: EncoderArchitecture = SIZES, seed: int = 0
) -> Encoder:
    """An encoder with random weights and statistics."""
    torch.manual_seed(seed)
    encoder = ENCODERS[kind](sizes).eval()
    with torch.no_grad():
        for name, buffer in encoder.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
    return encoder


def save_public(
    path: Path,
    encoder: Encoder,
    opts: dict[str, Any],
    *,
    average: torch.Tensor | None = None,
    decoder: Generator | None = None,
    namespace: bool = False,
) -> Path:
    """A file as pSp and e4e write it."""
    state = {f"encoder.{key}": value for key, value in encoder.state_dict().items()}
    if decoder is not None:
        state |= {f"decoder.{key}": value for key, value in decoder.state_dict().items()}
    content: dict[str, Any] = {
        "state_dict": state,
        "opts": Namespace(**opts) if namespace else opts,
    }
    if average is not None:
        content["latent_avg"] = average
    torch.save(content, path)
    return path


def save_photographs(folder: Path, sizes: dict[str, tuple[int, int]]) -> Path:
    """Photographs of noise by name, of these heights and widths."""
    folder.mkdir(parents=True, exist_ok=True)
    source = np.random.default_rng(0)
    for name, size in sizes.items():
        pixels = source.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder
