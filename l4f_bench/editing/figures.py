"""Edited samples as the paper's Figure 6 shows them, and as single images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from PIL import Image

from l4f_bench.editing.filling import ByteArray
from l4f_bench.editing.preserving import FloatArray
from l4f_bench.editing.scene import EditedSample
from l4f_bench.runs import atomic_path
from l4f_bench.sheets import Row, Sheet, write_sheet

_LARGEST_SIDE, _SMALLEST_SIDE = 256, 96
_CAPTIONS = ("as the generator paints it", "background as filled, masks", "background kept")


def write_figure(
    path: Path, samples: Sequence[EditedSample], labels: Sequence[str], what: str
) -> None:
    """Draw three rows for each sample: its edits, their masks, and the edits preserving.

    The first column has the sample itself, its background as it was filled, and the sample again.

    Args:
        path: A PNG.
        samples: Those with a background.
        labels: What the edits are called.
        what: What is edited, for the title.

    Raises:
        InputError: The file cannot be written.
    """
    side = min(max(samples[0].source.image.shape[0], _SMALLEST_SIDE), _LARGEST_SIDE)
    tiles = [row for sample in samples for row in _rows(sample)]
    rows = [
        Row(tiles=row, caption=said) for row, said in zip(tiles, cycle(_CAPTIONS), strict=False)
    ]
    edits = "each edit, its mask, and the edit with the background kept"
    title = f"{what}: {len(samples)} of them, {edits}"
    write_sheet(path, Sheet(title=title, columns=("input", *labels), rows=rows, side=side))


def write_images(folder: Path, sample: EditedSample) -> None:
    """Write a sample, its background, and each edit with its mask and preserving, as PNGs.

    Raises:
        InputError: The folder cannot be written.
    """
    tiles = {"input": sample.source.image, "input-alpha": _grey(sample.source.alpha)}
    if sample.layer is not None:
        tiles["background"] = sample.layer
    for number, edit in enumerate(sample.edits, start=1):
        tiles[f"edit-{number}"] = edit.picture.image
        tiles[f"edit-{number}-alpha"] = _grey(edit.picture.alpha)
        tiles[f"edit-{number}-preserved"] = edit.preserved
    for name, pixels in tiles.items():
        with atomic_path(folder / f"{name}.png", durable=False) as temporary:
            Image.fromarray(pixels).save(temporary, format="png")


def _rows(sample: EditedSample) -> list[list[ByteArray]]:
    assert sample.layer is not None, "only samples with a background are drawn"
    masks = [np.repeat(_grey(edit.picture.alpha)[..., None], 3, axis=2) for edit in sample.edits]
    return [
        [sample.source.image, *(edit.picture.image for edit in sample.edits)],
        [sample.layer, *masks],
        [sample.source.image, *(edit.preserved for edit in sample.edits)],
    ]


def _grey(alpha: FloatArray) -> ByteArray:
    return np.round(alpha * 255).astype(np.uint8)
