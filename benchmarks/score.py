"""Pairs of masks per second: ``l4f-bench score``'s counting against the straightforward way.

The straightforward way reads one pair at a time in one process: Pillow, luminance, bincount of
2 * truth + prediction. Both read the same generated files, in turns, in one run.

    python benchmarks/score.py --pairs 1000 --side 512
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from timing import ratio

from l4f_bench.evaluation.scoring import MaskFolders


def draw_pairs(folder: Path, num_pairs: int, side: int) -> None:
    """Write disks as true masks and shifted disks as predictions."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    for name in ("preds", "truth"):
        (folder / name).mkdir()
    for index in range(num_pairs):
        centre, radius = rng.uniform(0.3, 0.7, 2) * side, rng.uniform(0.15, 0.3) * side
        for name in ("preds", "truth"):
            cy, cx = centre + (rng.normal(0, 4, 2) if name == "preds" else 0)
            mask = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
            Image.fromarray(mask.astype(np.uint8) * 255).save(folder / name / f"{index}.png")


def straightforward(folder: Path, num_pairs: int) -> np.ndarray:
    """Summed confusion matrix ``[2, 2]``, rows = truth."""
    total = np.zeros(4, np.int64)
    for index in range(num_pairs):
        preds, truth = (
            (np.asarray(Image.open(folder / name / f"{index}.png").convert("L")) >= 128).ravel()
            for name in ("preds", "truth")
        )
        total += np.bincount(2 * truth.astype(np.int64) + preds, minlength=4)
    return total.reshape(2, 2)


def ours(folder: Path) -> np.ndarray:
    """The same matrix by the toolkit."""
    counts = MaskFolders(preds=folder / "preds", target=folder / "truth").count()
    tp, fp, fn, tn = counts.table.sum(0)
    return np.array([[tn, fp], [fn, tp]])


def main() -> None:
    """Time both in turns and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_pairs(folder, arguments.pairs, arguments.side)
        seconds: dict[str, list[float]] = {"straightforward": [], "ours": []}
        for _ in range(arguments.rounds):
            start = time.perf_counter()
            expected = straightforward(folder, arguments.pairs)
            middle = time.perf_counter()
            assert np.array_equal(ours(folder), expected)
            seconds["straightforward"].append(middle - start)
            seconds["ours"].append(time.perf_counter() - middle)
    median = {key: statistics.median(values) for key, values in seconds.items()}
    rates = {f"{key}_pairs_per_s": round(arguments.pairs / s, 1) for key, s in median.items()}
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found = {
        "ratio": ratio(seconds["straightforward"], seconds["ours"]),
        "peak_mib": round(peak_mib),
    }
    print(json.dumps({**vars(arguments), **rates, **found}))


if __name__ == "__main__":
    main()
