"""How cores are best used: by a kernel's threads, or by workers with an image each.

Generator and alpha network of published widths (channel multiplier 2) and of the embedded world
make the same samples both ways, in blocks, in turns; idle, or beside busy processes. The rules of
``l4f_bench/blocks.py`` and ``l4f_bench/cores.py`` are read off these numbers.

    python benchmarks/cores.py --sides 64 128 256 512 1024 --busy 0
    python benchmarks/cores.py --sides 64 256 --busy 1
"""

from __future__ import annotations

import argparse
import json
from functools import partial

import torch
from timing import Task, busy_neighbours, in_turns, ratio

from l4f_bench.blocks import block_size
from l4f_bench.cores import Cores
from l4f_bench.generators.architecture import GeneratorArchitecture, default_channels
from l4f_bench.generators.stylegan2 import FIRST_CONV, Generator
from l4f_bench.methods.labels4free.alpha import alpha_network
from l4f_bench.methods.labels4free.loading import load
from l4f_bench.methods.labels4free.method import Labels4Free


def untrained(side: int) -> Labels4Free:
    """Networks of published widths."""
    torch.manual_seed(0)
    channels = default_channels(side)
    generator = Generator(GeneratorArchitecture(size=side, channels=channels)).eval()
    alpha = alpha_network("bg_extractor", channels[-4:]).eval()
    mean = generator.mean_latent(64)
    return Labels4Free(generator, alpha, mean_latent=mean, background=FIRST_CONV)


def tasks_of(method: Labels4Free, blocks: list[int], images: int, threads: int) -> dict[str, Task]:
    """Samples by kernels' threads and by workers, in blocks of these sizes."""

    def make(workers: Cores, size: int) -> None:
        def work(first: int) -> None:
            method._sample(range(first, first + size), truncation=1.0, seed=0, layers=False)

        list(workers.ahead(work, range(0, images, size)))

    kernels, workers = Cores(1), Cores(threads, side_by_side=True)
    found: dict[str, Task] = {}
    for size in blocks:
        found[f"kernels, block {size}"] = partial(make, kernels, size)
        found[f"workers, block {size}"] = partial(make, workers, size)
    return found


def main() -> None:
    """Print images a second and ratios for each side as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sides", type=int, nargs="*", default=[64, 128, 256, 512, 1024])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--images", type=int, default=32, help="of the embedded world in a round")
    parser.add_argument("--busy", type=int, default=0, help="other processes")
    arguments = parser.parse_args()
    threads = torch.get_num_threads()
    embedded, _ = load(None, dataset="shapes", device="cpu")
    cases = {"embedded, 64": (embedded, 64, arguments.images)}
    for side in arguments.sides:
        images = max(2 * threads, 4 * block_size(side, torch.device("cpu")) // 2)
        cases[f"published widths, {side}"] = (untrained(side), side, images)
    for name, (method, side, images) in cases.items():
        blocks = sorted({1, block_size(side, torch.device("cpu"))})
        with busy_neighbours(arguments.busy):
            seconds = in_turns(tasks_of(method, blocks, images, threads), arguments.rounds)
        rates = {task: round(images / min(values), 2) for task, values in seconds.items()}
        first = seconds["kernels, block 1"]
        last = seconds[f"workers, block {blocks[-1]}"]
        print(json.dumps({"case": name, "busy": arguments.busy, "threads": threads,
                          "images_per_s": rates, "ratio": ratio(first, last)}))  # fmt: skip


if __name__ == "__main__":
    main()
