"""How fast the shapes world is drawn, beside the training of its StyleGAN2, which eats it.

Both take turns in one process; the ratio is how many times as fast images are drawn.

    OMP_NUM_THREADS=1 python benchmarks/drawing.py
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from timing import ratio

from l4f_bench.training.gan_config import PRESETS
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.stylegan2 import StyleGan2Trainer


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def each(work: Callable[[Any], object], items: Iterable[Any]) -> None:
    """Do something with each in turn."""
    for item in items:
        work(item)


def main() -> None:
    """Measure in turns and print as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=16, help="in a round; 16 have one R1 penalty")
    arguments = parser.parse_args()
    config = PRESETS.get("shapes").config
    images = ShapesImages(config.resolution, config.seed)
    trainer = StyleGan2Trainer(config, images)
    count = arguments.steps * config.batch_size
    drawn, trained = [], []
    for number in range(arguments.rounds + 1):  # the first one warms up
        first = number * arguments.steps
        places = [
            range(step * config.batch_size, (step + 1) * config.batch_size)
            for step in range(first, first + arguments.steps)
        ]
        steps = range(first, first + arguments.steps)
        drawn.append(seconds(partial(each, images.batch, places)))
        trained.append(seconds(partial(each, trainer.step, steps)))
    found = {
        "drawn_images_per_s": round(count / statistics.median(drawn[1:])),
        "trained_images_per_s": round(count / statistics.median(trained[1:]), 1),
        "ratio": ratio(trained[1:], drawn[1:]),
    }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
