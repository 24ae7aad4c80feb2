"""Draws what the shapes world and its networks look like, a row each.

Rows: images of the world, their exact masks; samples of the embedded generator, their backgrounds,
the alpha network's soft masks, the annotator's masks.

    python benchmarks/world_sheet.py --out reports/shapes/world.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.assets import embedded_path
from l4f_bench.datasets.shapes import HELD_OUT, shapes_batch
from l4f_bench.methods.labels4free.loading import load_labels4free
from l4f_bench.runs import atomic_path

COLUMNS = range(16)


def main() -> None:
    """Draw the rows and write them as one PNG."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("reports/shapes/world.png"))
    arguments = parser.parse_args()
    images, masks = shapes_batch(COLUMNS, resolution=64, seed=HELD_OUT)
    ours, _ = load_labels4free(
        embedded_path("shapes-generator"), embedded_path("shapes-alpha"), background="first-conv"
    )
    drawn = ours.sample_layers(COLUMNS, truncation=1.0, seed=0)
    annotator = load_parser(embedded_path("shapes-annotator"), torch.device("cpu"))
    truth = annotator.annotate(drawn.image).mask.numpy()
    assert drawn.background is not None, "of ours they are painted when they are asked for"
    rows = [
        images,
        grey(masks),
        drawn.image.numpy(),
        drawn.background.numpy(),
        grey(drawn.alpha[:, 0].numpy()),
        grey(truth),
    ]
    pixels = np.concatenate([np.concatenate(list(row), axis=2) for row in rows], axis=1)
    with atomic_path(arguments.out) as temporary:
        Image.fromarray(pixels.transpose(1, 2, 0)).save(temporary, format="png")


def grey(masks: np.ndarray) -> np.ndarray:
    """Masks ``[N, H, W]`` from 0 to 1 as pixels ``[N, 3, H, W]``."""
    levels = np.round(masks * 255.0).astype(np.uint8)
    return np.repeat(levels[:, None], 3, axis=1)


if __name__ == "__main__":
    main()
