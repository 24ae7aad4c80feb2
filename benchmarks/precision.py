"""How masks of bfloat16 differ from those of float32, and how fast both are.

The embedded world's networks, those of checkpoints that are given, and untrained ones of published
widths at each side. Masks of trained networks are cut at 0.9; untrained ones know no object, and
are cut at the median of alpha, where a mask is least sure. One thread.

    python benchmarks/precision.py --samples 64 --sides 64 256 512
    python benchmarks/precision.py --sides --generator car.pkl --alpha car.pt
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from cores import untrained
from timing import ratio

from l4f_bench.assets import embedded_path
from l4f_bench.methods.labels4free.loading import load_labels4free
from l4f_bench.methods.labels4free.method import Labels4Free
from l4f_bench.precision import PRECISIONS, computing_in

CUT = 0.9


def measure(method: Labels4Free, samples: int, rounds: int, cut: float | None) -> dict[str, object]:
    """IoU of both masks, per image and pooled, and the ratio of their times."""
    size = method.block_size
    seconds: dict[str, list[float]] = {name: [] for name in PRECISIONS}
    both = total = 0.0
    lowest = 1.0
    for round_ in range(max(rounds, samples // size)):
        alphas = []
        for name in PRECISIONS:
            start = time.perf_counter()
            with computing_in(name, method.device):
                made = method.sample(
                    range(round_ * size, (round_ + 1) * size), truncation=1, seed=0
                )
            seconds[name].append(time.perf_counter() - start)
            alphas.append(made.alpha)
        level = float(alphas[0].median()) if cut is None else cut
        one, other = (alpha.flatten(1) > level for alpha in alphas)
        shared, union = (one & other).sum(1), (one | other).sum(1)
        both, total = both + float(shared.sum()), total + float(union.sum())
        lowest = min(lowest, float((shared / union.clamp(min=1))[union > 0].min()))
    warm = {name: values[1:] or values for name, values in seconds.items()}
    return {
        "iou": both / total,
        "lowest_iou_of_an_image": lowest,
        "ratio": ratio(warm["float32"], warm["bf16"]),
    }


def main() -> None:
    """Print a line of JSON for each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=64, help="of trained networks")
    parser.add_argument("--sides", type=int, nargs="*", default=[64, 128, 256, 512])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generator", type=Path)
    parser.add_argument("--alpha", type=Path)
    parser.add_argument("--background", default="first-conv")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    files = (
        arguments.generator or embedded_path("shapes-generator"),
        arguments.alpha or embedded_path("shapes-alpha"),
    )
    trained, _ = load_labels4free(*files, background=arguments.background, device="cpu")
    found = measure(trained, arguments.samples, arguments.rounds, CUT)
    print(json.dumps({"networks": "trained", "side": trained.generator.architecture.size, **found}))
    for side in arguments.sides:
        found = measure(untrained(side), 0, arguments.rounds, None)
        print(json.dumps({"networks": "untrained", "side": side, **found}), flush=True)


if __name__ == "__main__":
    main()
