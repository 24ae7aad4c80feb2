"""What an evaluation of the embedded world does, one image at a time and in blocks, on one thread.

Images a second of its generator with alpha network, and of its annotator, in turns. Beside the
medians stands how much faster each is than the first of its kind, with the range of the rounds.

    python benchmarks/blocks.py --rounds 5
"""

from __future__ import annotations

import argparse
import json
import statistics
from functools import partial

import torch
from timing import in_turns, ratio

from l4f_bench.annotators.parser_file import load_parser
from l4f_bench.assets import embedded_path
from l4f_bench.generators.stylegan2 import FIRST_CONV
from l4f_bench.methods.labels4free.loading import load
from l4f_bench.methods.labels4free.objective import composite

IMAGES = 64  # of a round
SAMPLE, PAINTED = "sample with background and composite, one by one", "foreground and alpha only"
ANNOTATED = "annotator"


@torch.no_grad()
def main() -> None:
    """Print images a second and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    method, _ = load(None, dataset="shapes", device="cpu")
    generator, alpha = method.generator, method.alpha
    annotator = load_parser(embedded_path("shapes-annotator"), torch.device("cpu"))
    z, other = torch.randn(2, IMAGES, generator.architecture.z_dim)
    pixels = annotator.prepared(torch.randint(0, 256, (IMAGES, 3, 64, 64), dtype=torch.uint8))

    def sample() -> None:
        for one, two in zip(torch.split(z, 1), torch.split(other, 1), strict=True):
            w, w_other = generator.mapping(torch.cat([one, two])).chunk(2)
            foreground, mask = alpha.paint(generator, w)
            composite(foreground, generator.synthesis(w_other, background=FIRST_CONV), mask)

    def paint(size: int) -> None:
        for block in torch.split(z, size):
            alpha.paint(generator, generator.mapping(block))

    def annotate(size: int) -> None:
        for block in torch.split(pixels, size):
            annotator.scores(block)

    tasks = {SAMPLE: sample}
    tasks |= {f"{PAINTED}, blocks of {size}": partial(paint, size) for size in (1, 16, 32)}
    tasks |= {f"{ANNOTATED}, blocks of {size}": partial(annotate, size) for size in (1, 16)}
    seconds = in_turns(tasks, arguments.rounds)
    first = {name: ANNOTATED + ", blocks of 1" if ANNOTATED in name else SAMPLE for name in tasks}
    found = {
        name: {
            "images_per_s": round(IMAGES / statistics.median(values), 1),
            "ratio": ratio(seconds[first[name]], values),
        }
        for name, values in seconds.items()
    }
    print(json.dumps({**vars(arguments), "rates": found}, indent=1))


if __name__ == "__main__":
    main()
