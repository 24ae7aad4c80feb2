"""Images with masks per second: our generator and alpha network against the published formulation.

Both compute the same images and masks from the same weights and latents, in turns, in one process.
``published_networks.py`` does what the public script does for a sample: foreground, background,
mask and composite, a batch at a time, the way the public code computes them. Ours is what
``l4f-bench eval`` does on a CPU: foreground and mask, in blocks, by workers. ``foreground`` is the
published formulation without what an evaluation does not need. Outputs must agree to 1e-4. Peak
memory is that of a fresh process each, beyond what it holds before the first image.

    OMP_NUM_THREADS=2 python benchmarks/sampling.py --size 256 --batch 8
    OMP_NUM_THREADS=2 python benchmarks/sampling.py --embedded --batch 32
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from published_networks import published_alpha, published_generator, published_mapping
from timing import ratio
from torch import Tensor

from l4f_bench.blocks import block_size
from l4f_bench.cores import Cores, fits_one_core
from l4f_bench.generators.architecture import GeneratorArchitecture, default_channels
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.methods.labels4free.alpha import AlphaNetwork, alpha_network
from l4f_bench.methods.labels4free.loading import load
from l4f_bench.methods.labels4free.objective import composite

TOLERANCE = 1e-4
Task = Callable[[], tuple[Tensor, Tensor]]


def untrained(size: int) -> tuple[Generator, AlphaNetwork]:
    """Networks of published widths, channel multiplier 2."""
    channels = default_channels(size)
    generator = Generator(GeneratorArchitecture(size=size, channels=channels)).eval()
    for layer in (generator.conv1, *generator.convs):
        layer.noise.weight.fill_(0.1)  # new networks have no noise
    return generator, alpha_network("bg_extractor", channels[1:][-6:]).eval()


def build_tasks(arguments: argparse.Namespace) -> dict[str, Task]:
    """All ways to images ``[N, 3, S, S]`` and alpha ``[N, 1, S, S]``."""
    torch.manual_seed(arguments.seed)
    if arguments.embedded:
        method, _ = load(None, dataset="shapes", device="cpu")
        generator, alpha = method.generator, method.alpha
    else:
        generator, alpha = untrained(arguments.size)
    weights, alpha_weights = generator.state_dict(), alpha.state_dict()
    size = generator.architecture.size
    z, other = torch.randn(2, arguments.batch, generator.architecture.z_dim)

    def foreground() -> tuple[Tensor, Tensor]:
        w = published_mapping(weights, z)
        image, features = published_generator(weights, w, depthwise=arguments.depthwise)
        return image, published_alpha(alpha_weights, features)

    def published() -> tuple[Tensor, Tensor]:
        image, mask = foreground()
        w = published_mapping(weights, other)
        background, _ = published_generator(
            weights, w, background=True, depthwise=arguments.depthwise
        )
        composite(image, background, mask)
        return image, mask

    device = torch.device("cpu")
    threads = torch.get_num_threads()
    cores = Cores(threads, side_by_side=True) if fits_one_core(size, device) else Cores(1)

    @torch.no_grad()
    def paint(block: Tensor) -> tuple[Tensor, Tensor]:
        return alpha.paint(generator, generator.mapping(block))

    def ours() -> tuple[Tensor, Tensor]:
        pairs = list(cores.ahead(paint, torch.split(z, block_size(size, device))))
        images, alphas = zip(*pairs, strict=True)
        return torch.cat(images), torch.cat(alphas)

    return {"published": published, "foreground": foreground, "ours": ours}


def time_in_turns(tasks: dict[str, Task], rounds: int) -> tuple[dict[str, list[float]], float]:
    """Seconds of each task per round, after one round to warm up, and their largest difference."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    difference = 0.0
    for round_ in range(rounds + 1):
        outputs = []
        for name, task in tasks.items():
            start = time.perf_counter()
            outputs.append(task())
            if round_:
                seconds[name].append(time.perf_counter() - start)
        for published, _, ours in zip(*outputs, strict=True):
            difference = max(difference, float((ours - published).abs().max()))
    return seconds, difference


def peak_mib(name: str, arguments: argparse.Namespace) -> float:
    """Peak memory of one task in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", name]
    for option in ("size", "batch", "seed", "threads"):
        command += [f"--{option}", str(getattr(arguments, option))]
    command += ["--embedded"] * arguments.embedded + ["--depthwise"] * arguments.depthwise
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(task: Task) -> None:
    """Print by how many MiB the process's peak memory exceeds what it held before one call.

    Linux only: ``getrusage`` would count the peak of the process that started this one.
    """
    before = memory_mib("VmRSS")
    task()
    print(memory_mib("VmHWM") - before)


def memory_mib(field: str) -> float:
    """A memory figure of this process: VmRSS is its present size, VmHWM its peak."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--embedded", action="store_true", help="networks of the shapes world")
    parser.add_argument("--depthwise", action="store_true", help="filters as in NVIDIA's code")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--memory-of", choices=["ours", "foreground", "published"], help=argparse.SUPPRESS
    )
    return parser.parse_args()


@torch.no_grad()
def main() -> None:
    """Time both in turns and print rates, ratio, difference and memory as JSON."""
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    tasks = build_tasks(arguments)
    if arguments.memory_of:
        print_peak(tasks[arguments.memory_of])
        return
    seconds, difference = time_in_turns(tasks, arguments.rounds)
    assert difference <= TOLERANCE, f"outputs differ by {difference:.2g}"
    median = {name: statistics.median(values) for name, values in seconds.items()}
    del arguments.memory_of
    result = {
        **vars(arguments),
        **{f"{name}_images_per_s": round(arguments.batch / s, 3) for name, s in median.items()},
        "ratio": ratio(seconds["published"], seconds["ours"]),
        "ratio_foreground": ratio(seconds["foreground"], seconds["ours"]),
        "max_difference": difference,
        "torch": torch.__version__,
        **{f"{name}_peak_mib": round(peak_mib(name, arguments)) for name in tasks},
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
