"""Photographs per second of the published encoder, and memory over their number.

The encoder has pSp's sizes (IR-SE-50, 18 styles, 256 pixels) and random weights; the generator is
left out. Memory is that of `l4f-bench project` itself with a small encoder and generator, on
folders of different sizes, in a fresh process each.

    python benchmarks/projection.py --threads 2
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.precision import BF16, FLOAT32, cast_once, computing_in
from l4f_bench.progress import silent
from l4f_bench.projection.architecture import EncoderArchitecture
from l4f_bench.projection.codes import codes_of
from l4f_bench.projection.command import ProjectRequest, run
from l4f_bench.projection.encoder_file import TrainedEncoder, write_encoder
from l4f_bench.projection.encoders import GradualStyleEncoder
from l4f_bench.projection.frames import square

SIDE = 128


def images_per_s(rounds: int) -> dict[str, list[float]]:
    """Rates of one photograph at a time by precision, in turns, after one each to warm up."""
    network = GradualStyleEncoder(EncoderArchitecture(num_styles=18)).eval()
    network.to(memory_format=torch.channels_last)
    encoder = TrainedEncoder(network=network, latent_average=None, frame=square(256), num_rows=18)
    picture = torch.randint(0, 256, (1, 3, 256, 256), dtype=torch.uint8)
    cast = copy.deepcopy(network)
    cast_once(cast)  # as `project` does
    encoders = {FLOAT32: encoder, BF16: replace(encoder, network=cast)}
    rates: dict[str, list[float]] = {name: [] for name in encoders}
    for _ in range(rounds + 1):
        for name, own in rates.items():
            start = time.perf_counter()
            with torch.no_grad(), computing_in(name, torch.device("cpu")):
                codes_of(encoders[name], picture)
            own.append(1 / (time.perf_counter() - start))
    return {name: own[1:] for name, own in rates.items()}


def small_files(folder: Path) -> ProjectRequest:
    """A small encoder and its generator in a folder that holds the photographs as well."""
    torch.manual_seed(0)
    generator = Generator(
        GeneratorArchitecture(size=32, channels=(16, 16, 16, 16), mapping_widths=(16,) * 3)
    )
    torch.save({"g_ema": generator.state_dict()}, folder / "generator.pt")
    sizes = EncoderArchitecture(
        num_styles=8, latent_width=16, stem_width=8, widths=(8, 10, 12, 14), blocks=(1, 1, 1, 1),
        squeezed=(2, 2, 2, 2), head_width=8, head_convs=1,
    )  # fmt: skip
    encoder = GradualStyleEncoder(sizes)
    path = folder / "encoder.safetensors"
    write_encoder(path, encoder, latent_average=None, frame=square(32), about={})
    return ProjectRequest(
        images=folder / "images", encoder=path, generator=folder / "generator.pt", device="cpu"
    )


def print_peak(num_images: int) -> None:
    """Project a folder of so many photographs; print the process's peak memory in MiB."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = small_files(folder)
        request.images.mkdir()
        source = np.random.default_rng(0)
        for index in range(num_images):
            pixels = source.integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(request.images / f"{index:05d}.png")
        run(request, folder / "out", resume=False, progress=silent, warn=lambda _: None)
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


def peak_mib(num_images: int) -> float:
    """The same, in a process of its own."""
    command = [sys.executable, __file__, "--memory-of", str(num_images)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--counts", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--memory-of", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of is not None:
        print_peak(arguments.memory_of)
        return
    rates = images_per_s(arguments.rounds)
    result = {
        "threads": arguments.threads,
        "images_per_s": {name: round(statistics.median(own), 2) for name, own in rates.items()},
        "images_per_s_best": {name: round(max(own), 2) for name, own in rates.items()},
        "peak_mib": {str(count): round(peak_mib(count)) for count in arguments.counts},
        "torch": torch.__version__,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
