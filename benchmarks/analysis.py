"""Time of the layer analysis against that of the generator passes that it needs, one a sample.

Both run in turns in one process on an untrained generator of the public widths; noise for the RGB
layers, up-sampling and SSIM are the analysis's own. CPU time is given beside wall time, which means
little on a busy machine.

    OMP_NUM_THREADS=2 python benchmarks/analysis.py --size 256 --samples 50 --draws 5
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial

import torch
from timing import ratio

from l4f_bench.analysis.layer_study import study_samples
from l4f_bench.generators.architecture import GeneratorArchitecture, default_channels
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import Generator

_WIDTHS = 2  # the public channel multiplier


def seconds_of(task: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - wall, time.process_time() - cpu


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--samples", type=int, default=50, help="in all rounds together")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


@torch.no_grad()
def main() -> None:
    """Time both a sample at a time, in turns, and print medians and ratios as JSON."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    channels = default_channels(arguments.size, _WIDTHS)
    architecture = GeneratorArchitecture(size=arguments.size, channels=channels)
    generator = Generator(architecture).eval().requires_grad_(False)
    centre = generator.mean_latent()

    def passes(index: int) -> None:
        drawn = draw(architecture, [index], seed=0)
        generator.synthesis(generator.mapping(drawn.z), noise=drawn.noise)

    def analysis(index: int) -> None:
        study_samples(generator, centre, [index], draws=arguments.draws, seed=0, truncation=1.0)

    tasks = {"passes": passes, "analysis": analysis}
    wall = {name: [0.0] * arguments.rounds for name in tasks}
    cpu = {name: [0.0] * arguments.rounds for name in tasks}
    passes(0)  # to warm up
    analysis(0)
    for index in range(arguments.samples):
        for name, task in tasks.items():
            taken, busy = seconds_of(partial(task, index))
            wall[name][index % arguments.rounds] += taken
            cpu[name][index % arguments.rounds] += busy
    result = {
        **vars(arguments),
        **{f"{name}_s": round(sum(values), 2) for name, values in wall.items()},
        **{f"{name}_cpu_s": round(sum(values), 2) for name, values in cpu.items()},
        "ratio": ratio(wall["analysis"], wall["passes"]),
        "ratio_cpu": ratio(cpu["analysis"], cpu["passes"]),
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
