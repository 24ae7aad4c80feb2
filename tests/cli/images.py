"""Folders of images for the command tests, and features of them that are known by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from l4f_bench.features.contracts import FeatureSpec
from l4f_bench.features.specs import ExtractorSpec
from l4f_bench.weights import WEIGHTS

DIMENSION = 6
PUBLISHED = WEIGHTS.get("fid-inception").sha256


class MeanColours:
    """A stand-in network whose features are known by hand: mean colours of both halves."""

    def __init__(self, name: str, resize: str, weights_sha256: str = PUBLISHED) -> None:
        self.spec = FeatureSpec(
            name=name,
            dimension=DIMENSION,
            resize=resize,
            weights_sha256=weights_sha256,
        )

    def features(self, image: Tensor) -> npt.NDArray[np.float32]:
        halves = image.float().chunk(2, dim=3)
        return torch.cat([half.mean((2, 3)) for half in halves], 1).numpy()


def load_colours(weights: None, *, resize: str, device: torch.device) -> MeanColours:
    return MeanColours(COLOURS.name, resize)


COLOURS = ExtractorSpec(
    name="colours",
    title="mean colours of both halves",
    frechet="FD (halves)",
    kernel="KD (halves)",
    dimension=DIMENSION,
    weights="fid-inception",
    load="tests.cli.images:load_colours",
)


def save_images(folder: Path, images: np.ndarray) -> Path:
    folder.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


def random_images(n: int, seed: int, side: int = 8) -> np.ndarray:
    source = np.random.default_rng(seed)
    return source.integers(0, 200 + 20 * seed, (n, side, side, 3), dtype=np.uint8)


def lines_of(out: Path) -> dict[str, dict[str, Any]]:
    """Lines of metadata by the names of their images."""
    lines = [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]
    return {line["image"]: line for line in lines}
