"""Where a step of training on the shapes world goes: arithmetic or overhead, on one thread.

PyTorch's profiler looks at sixteen steps, of which one has the gradient penalty, and its own times
of each operation are added up by kind. Beside other work shares are rough.

    python benchmarks/steps.py ours
    python benchmarks/steps.py stylegan2
    python benchmarks/steps.py pseg --first 4000
"""

from __future__ import annotations

import argparse
import json
from collections import Counter

import torch
from torch.profiler import ProfilerActivity, profile

from l4f_bench.training.jobs import TrainRequest, build_job

STEPS = 16
KINDS = {
    "convolutions": ("convolution",),
    "matrix products": ("addmm", "aten::mm", "bmm", "linear"),
    "resizing": ("upsample", "interpolate", "pad", "grid_sampler"),
    "optimisers and averages": ("_foreach", "adam", "Optimizer"),
    "sums, products, activations": (
        *("add", "mul", "sub", "div", "relu", "sum", "mean", "sqrt", "pow", "softplus", "sigmoid"),
        *("clamp", "norm", "var", "exp", "tanh"),
    ),
    "copies": ("copy_", "cat", "clone", "fill_", "zero_", "empty", "resize_"),
}
"""The first kind of which any part is in an operation's name."""
FILTERS = ([1, 4, 4], [1, 3, 3])
"""Ends of the shapes of low-pass filters' weights: of StyleGAN2, of PSeg."""


def kind_of(name: str, shapes: list[list[int]]) -> str:
    """What an operation does."""
    if "convolution" in name and any(list(shape[-3:]) in FILTERS for shape in shapes):
        return "low-pass filters"
    for kind, parts in KINDS.items():
        if any(part.lower() in name.lower() for part in parts):
            return kind
    return "other operations"


def main() -> None:
    """Print the shares of each kind as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("method", choices=("ours", "stylegan2", "pseg"))
    parser.add_argument("--first", type=int, default=0, help="step; PSeg's images grow with it")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    trainer = build_job(TrainRequest(method=arguments.method, device="cpu"), print).trainer
    first = arguments.first + 1
    trainer.step(arguments.first)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as seen:
        for step in range(first, first + STEPS):
            trainer.step(step)
    times: Counter[str] = Counter()
    for event in seen.key_averages(group_by_input_shape=True):
        times[kind_of(event.key, event.input_shapes)] += event.self_cpu_time_total
    total = sum(times.values())
    shares = {kind: round(time / total, 3) for kind, time in times.most_common()}
    found = {"seconds_a_step": round(total / 1e6 / STEPS, 3), "shares": shares}
    print(json.dumps({**vars(arguments), "steps": STEPS, **found}, indent=1))


if __name__ == "__main__":
    main()
