"""Images per second that training gets from a set too large for memory.

A folder of 512-pixel JPEGs is brought to 256 pixels in batches, by one call after another, by
threads that read the next batch ahead, and the same with a pause after every batch for the step
that the accelerator takes meanwhile. Prints JSON:

    python benchmarks/images.py --images 400 --threads 2 --step-ms 100
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from l4f_bench.datasets.image_sources import FolderSource
from l4f_bench.training.images import StreamedImages

RESOLUTION, BATCH_SIZE = 256, 16

Reader = Callable[[Sequence[int]], object]


def main() -> None:
    """Measure every way with and without a step, and print the best of the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--step-ms", type=float, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_images(Path(folder), args.images)
        source = FolderSource(Path(folder))
        rates: dict[str, list[float]] = {}
        for _ in range(args.rounds):  # in turn, so that a busy machine slows all of them
            for step_ms in (0.0, args.step_ms):
                for name, reader in readers(source, args.threads).items():
                    key = f"{name}, step of {step_ms:g} ms"
                    rates.setdefault(key, []).append(rate(reader, args.images, step_ms / 1000))
    best = {name: round(max(values), 1) for name, values in rates.items()}
    print(json.dumps({"images_per_second": best, "threads": args.threads}, indent=2))


def readers(source: FolderSource, num_threads: int) -> dict[str, Reader]:
    """The ways to read a batch."""
    images = StreamedImages(source, RESOLUTION, 0, strict=True, warn=print, num_threads=num_threads)

    def one_by_one(indices: Sequence[int]) -> object:
        found = [source.read(index, RESOLUTION) for index in indices]
        return np.stack([image for image in found if image is not None])

    return {"one by one": one_by_one, "ahead": images.batch}


def rate(read: Reader, num_images: int, step_s: float) -> float:
    """Images per second over the set, with a pause of ``step_s`` after every batch."""
    starts = range(0, num_images - BATCH_SIZE + 1, BATCH_SIZE)
    begin = time.perf_counter()
    for start in starts:
        read(range(start, start + BATCH_SIZE))
        time.sleep(step_s)
    return len(starts) * BATCH_SIZE / (time.perf_counter() - begin)


def write_images(folder: Path, num_images: int) -> None:
    """JPEGs of smooth noise, about as long as photographs of their size."""
    for number in range(num_images):
        coarse = np.random.default_rng(number).integers(0, 256, (96, 96, 3), np.uint8)
        image = Image.fromarray(coarse).resize((512, 512), Image.Resampling.BICUBIC)
        image.save(folder / f"{number:05d}.jpg", quality=90)


if __name__ == "__main__":
    main()
