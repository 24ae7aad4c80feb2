"""Single images that a figure shows."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l4f_bench.evaluation.counting import Counts, Pair, Scene
from l4f_bench.metrics.counts import FN, FP, TP

PER_GROUP = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One image with its masks."""

    title: str
    """Caption: why it is shown, and which image it is."""
    image: npt.NDArray[np.uint8]
    """``[H, W, 3]`` RGB."""
    truth: npt.NDArray[np.bool_]
    """``[H, W]``."""
    preds: npt.NDArray[np.bool_]
    """``[H, W]``."""


def pick_examples(
    scene: Scene,
    counts: Counts,
    name: Callable[[Pair], str],
    per_group: int = PER_GROUP,
) -> list[Example]:
    """The worst, median and best images by foreground IoU, looked at once more.

    Args:
        scene: Gave the counts.
        counts: Those of all images.
        name: What a caption calls an image.
        per_group: Images of each kind.

    Returns:
        Up to ``3 * per_group`` examples, worst first.
    """
    if not counts.rows:
        return []
    table = counts.table
    union = table[:, [TP, FP, FN]].sum(1)
    iou = np.divide(table[:, TP], union, out=np.zeros(len(table)), where=union > 0)
    order = np.argsort(iou, kind="stable")
    middle = max(len(order) // 2 - per_group // 2, 0)
    groups = {
        "worst": order[:per_group],
        "median": order[middle : middle + per_group],
        "best": order[-per_group:],
    }
    chosen = [(group, position) for group, found in groups.items() for position in found]
    indices = ([counts.rows[position].index] for _, position in chosen)
    examples = []
    with closing(scene.cores.ahead(scene.pairs, indices)) as looked:
        for (group, position), (pair,) in zip(chosen, looked, strict=True):
            pixels = scene.pixels(pair)
            if pixels is not None and pixels.shape[1:] == pair.target.shape:
                title = f"{group}: {name(pair)}, IoU {iou[position]:.3f}"
                image = np.ascontiguousarray(pixels.transpose(1, 2, 0))
                examples.append(Example(title, image, pair.target, pair.preds))
    return examples
