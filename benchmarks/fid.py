"""The Fréchet distance against SciPy's matrix root, and a folder's statistics against pytorch-fid.

The distance is that of two Gaussians of 2048 dimensions, taken in turns with the textbook way in
one process; both must agree to 1e-6. The statistics are those of a folder of PNGs, by the program
``pytorch-fid`` and by ``l4f-bench fid --save-stats`` in turns, each in a fresh process with the
same untrained weights; their means and covariances must agree to 1e-3 of their largest number.
Peak memory is that of the fresh process; that ours does not grow is measured on the folder and on
``--memory-images`` (the same files under several names).

    OMP_NUM_THREADS=2 python benchmarks/fid.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from timing import ratio

PARTS = ("statistics", "memory", "distance")
TOLERANCE, STATISTICS_TOLERANCE = 1e-6, 1e-3
WEIGHTS_FILE = "hub/checkpoints/pt_inception-2015-12-05-6726825d.pth"  # below TORCH_HOME
WRITE_WEIGHTS = """
import sys, torch
from l4f_bench.features.inception import empty_network
torch.manual_seed(0)
torch.save(empty_network().state_dict(), sys.argv[1])
"""


def write_images(folder: Path, num_images: int, side: int) -> None:
    """PNGs of smooth noise."""
    for number in range(num_images):
        coarse = np.random.default_rng(number).integers(0, 256, (side // 8, side // 8, 3), np.uint8)
        image = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:05d}.png")


def link_images(source: Path, folder: Path, num_images: int) -> None:
    """The files of ``source`` again and again under new names."""
    folder.mkdir()
    files = sorted(source.iterdir())
    for number in range(num_images):
        (folder / f"{number:05d}.png").hardlink_to(files[number % len(files)])


def run(command: list[str], home: Path) -> tuple[float, float]:
    """Seconds and peak MiB of a command in a process of its own.

    The kernel counts the size of this process into the peak, so it must stay small until then.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *command],
        env={**os.environ, "TORCH_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, f"{command[0]} failed"
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def write_weights(root: Path) -> Path:
    """Untrained weights, where pytorch-fid looks for the published ones."""
    weights = root / WEIGHTS_FILE
    weights.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", WRITE_WEIGHTS, str(weights)], check=True)
    return weights


def ours(images: Path, out: Path, weights: Path, device: str) -> list[str]:
    """Our command that writes a folder's statistics."""
    options = ["--weights", str(weights), "--allow-small-n", "--device", device]
    return ["l4f_bench", "fid", str(images), "--save-stats", str(out), *options]


def measure_statistics(
    root: Path, images: Path, arguments: argparse.Namespace
) -> dict[str, object]:
    """Seconds of both programs on one folder in turns."""
    files = {name: root / f"{name}.npz" for name in ("published", "ours")}
    published = ["pytorch_fid", "--save-stats", str(images), str(files["published"])]
    commands = {
        "published": [*published, "--device", arguments.device],
        "ours": ours(images, files["ours"], write_weights(root), arguments.device),
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, float] = {}
    for _ in range(arguments.rounds):
        for name, command in commands.items():
            files[name].unlink(missing_ok=True)  # pytorch-fid does not overwrite
            taken, peaks[name] = run(command, root)
            seconds[name].append(taken)
    check_agreement(files["published"], files["ours"])
    return {
        **{f"{name}_s": round(statistics.median(values), 2) for name, values in seconds.items()},
        "statistics_ratio": ratio(seconds["published"], seconds["ours"]),
        **{f"{name}_peak_mib": round(peak) for name, peak in peaks.items()},
    }


def measure_memory(root: Path, images: Path, arguments: argparse.Namespace) -> dict[str, float]:
    """Peak memory of ours on the folder and on more images."""
    weights = write_weights(root)
    link_images(images, root / "many", arguments.memory_images)
    peaks = {
        len(list(folder.iterdir())): run(
            ours(folder, root / "memory.npz", weights, arguments.device), root
        )[1]
        for folder in (images, root / "many")
    }
    return {f"peak_mib_of_{number}": round(peak) for number, peak in peaks.items()}


def check_agreement(published: Path, ours: Path) -> None:
    """Fail unless both programs computed the same statistics."""
    with np.load(published) as theirs, np.load(ours) as mine:
        for key in ("mu", "sigma"):
            difference = np.abs(theirs[key] - mine[key]).max() / np.abs(theirs[key]).max()
            assert difference <= STATISTICS_TOLERANCE, f"{key} differs by {difference:.2g}"


def measure_distance(arguments: argparse.Namespace) -> dict[str, object]:
    """Seconds of both ways to the distance in turns, after one round to warm up."""
    from scipy.linalg import sqrtm

    from l4f_bench.metrics.frechet import frechet_distance

    a, b = (random_gaussian(arguments.dimension, seed) for seed in (0, 1))

    def textbook() -> float:
        gap = a.mean - b.mean
        root = np.trace(sqrtm(a.covariance @ b.covariance)).real
        return float(gap @ gap + np.trace(a.covariance) + np.trace(b.covariance) - 2 * root)

    tasks: dict[str, Callable[[], float]] = {
        "sqrtm": textbook,
        "frechet": lambda: frechet_distance(a, b),
    }
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    values: dict[str, float] = {}
    for round_ in range(arguments.rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter()
            values[name] = task()
            if round_:
                seconds[name].append(time.perf_counter() - start)
    difference = abs(values["frechet"] / values["sqrtm"] - 1)
    assert difference < TOLERANCE, f"the distances differ by {difference:.2g}"
    return {
        **{f"{name}_s": round(statistics.median(taken), 2) for name, taken in seconds.items()},
        "distance_ratio": ratio(seconds["sqrtm"], seconds["frechet"]),
        "distance_difference": difference,
    }


def random_gaussian(dimension: int, seed: int):  # type: ignore[no-untyped-def]
    """Statistics of 5 vectors a dimension, whose variances span five decades as Inception's do."""
    from l4f_bench.metrics.moments import Moments

    source = np.random.default_rng(seed)
    scales = 10 ** np.linspace(0, -2.5, dimension)
    moments = Moments(dimension)
    turned = np.linalg.qr(np.random.default_rng(2).standard_normal((dimension, dimension)))[0]
    for _ in range(5):
        vectors = source.standard_normal((dimension, dimension)) * (scales * (1 + 0.2 * seed))
        moments.update(vectors @ turned + 0.01 * seed)
    return moments.gaussian()


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--memory-images", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--dimension", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--skip", choices=PARTS, nargs="*", default=[], help="Leave these out.")
    return parser.parse_args()


def main() -> None:
    """Measure all parts and print seconds, ratios and memory as JSON."""
    arguments = parse_arguments()
    result: dict[str, object] = vars(arguments).copy()
    parts = [part for part in PARTS if part not in arguments.skip]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        images = root / "images"
        images.mkdir()
        write_images(images, arguments.images, arguments.side)
        if "statistics" in parts:
            result |= measure_statistics(root, images, arguments)
        if "memory" in parts:
            result |= measure_memory(root, images, arguments)
    if "distance" in parts:  # last, as it makes this process large
        result |= measure_distance(arguments)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
