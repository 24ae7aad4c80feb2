"""This revision against an older one, in turns: evaluation, start, or a training step.

The older one is checked out into a folder of its own, unless it is there; both get this one's
embedded weights. ``eval`` is the default evaluation, idle and beside one busy process; ``start``
the time from the command to its first scored sample; ``train`` a step of the alpha network's
training on shapes. Numbers of images can be made smaller for a trial.

    python benchmarks/revisions.py eval --old ../262e391
    python benchmarks/revisions.py start --old ../262e391
    python benchmarks/revisions.py train --old ../262e391
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from timing import busy_neighbours, in_turns, ratio

HERE = Path(__file__).resolve().parents[1]
WEIGHTS = HERE / "l4f_bench" / "assets" / "shapes"
EVAL = [
    *("eval", "--on", "sampled", "--generator", str(WEIGHTS / "generator.safetensors")),
    *("--alpha", str(WEIGHTS / "alpha.safetensors")),
    *("--annotator-weights", str(WEIGHTS / "annotator.safetensors")),
]
FIRST_SAMPLE = """
import os, sys
try:
    from l4f_bench.evaluation.counting import Counts
except ImportError:  # as it was called
    from l4f_bench.evaluation.sampled import SampledCounts as Counts
Counts.add = lambda *_: os._exit(0)
from l4f_bench.cli import app
app(sys.argv[1:])
"""
STEPS = """
import sys, time
from pathlib import Path
from l4f_bench.training.images import ShapesImages
from l4f_bench.training.labels4free import Labels4FreeTrainer, load_frozen
from l4f_bench.training.labels4free_config import Labels4FreeConfig
config = Labels4FreeConfig(
    binarisation=1.2, foreground=5, foreground_phi=0.1, background=5, background_phi=0.6,
    layout="bg_extractor", levels=3, batch_size=32, seed=0,
)
frozen = load_frozen(Path(sys.argv[2]), with_discriminator=config.pretrained_discriminator)
trainer = Labels4FreeTrainer(config, frozen, ShapesImages(64, config.seed))
trainer.step(0)
start = time.perf_counter()
for step in range(1, 1 + int(sys.argv[1])):
    trainer.step(step)
print((time.perf_counter() - start) / int(sys.argv[1]))
"""


def check_out(folder: Path, revision: str) -> None:
    """Put a revision into a folder, unless it is there."""
    if not folder.exists():
        command = ["git", "-C", str(HERE), "worktree", "add", "--detach", str(folder), revision]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    # Of a folder without the package, Python would take the installed one: this revision.
    wanted, there = (
        subprocess.run(
            ["git", "-C", str(tree), "rev-parse", name], check=False, capture_output=True
        ).stdout
        for tree, name in ((HERE, revision), (folder, "HEAD"))
    )
    if wanted != there or not (folder / "l4f_bench").is_dir():
        raise SystemExit(f"{folder} does not hold {revision}. Name a folder that does not exist.")


def environment(tree: Path) -> dict[str, str]:
    """Variables with which Python takes the package from a tree."""
    return {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'baselines'}"}


def run(tree: Path, *arguments: str) -> str:
    """Run Python on the package in a tree; returns what it prints."""
    found = subprocess.run(
        [sys.executable, *arguments], check=True, env=environment(tree), cwd=tree, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return found.stdout


def evaluate(tree: Path, samples: int) -> None:
    """The default evaluation: samples at both truncations, and the annotator on images."""
    with tempfile.TemporaryDirectory() as out:
        options = ["--samples", str(samples), "--out", out]
        run(tree, "-m", "l4f_bench", *EVAL, *options)


def start(tree: Path) -> None:
    """Everything up to the first scored sample."""
    with tempfile.TemporaryDirectory() as out:
        run(tree, "-c", FIRST_SAMPLE, *EVAL, "--truncation", "1", "--out", out)


def compare_evaluations(trees: dict[str, Path], arguments: argparse.Namespace) -> dict[str, object]:
    """Seconds and ratios, idle and busy."""
    tasks = {name: partial(evaluate, tree, arguments.samples) for name, tree in trees.items()}
    idle = in_turns(tasks, arguments.rounds)
    with busy_neighbours(1):
        busy = in_turns(tasks, arguments.rounds)
    return {
        "idle_s": {name: statistics.median(values) for name, values in idle.items()},
        "busy_s": {name: statistics.median(values) for name, values in busy.items()},
        "ratio_idle": ratio(idle["old"], idle["new"]),
        "ratio_busy": ratio(busy["old"], busy["new"]),
        "new_busy_to_idle": ratio(busy["new"], idle["new"]),
    }


def compare_starts(trees: dict[str, Path], arguments: argparse.Namespace) -> dict[str, object]:
    """Seconds to the first sample."""
    tasks = {name: partial(start, tree) for name, tree in trees.items()}
    seconds = in_turns(tasks, arguments.rounds)
    return {
        "start_s": {name: statistics.median(values) for name, values in seconds.items()},
        "start_s_most": {name: max(values) for name, values in seconds.items()},
        "ratio": ratio(seconds["old"], seconds["new"]),
    }


def compare_steps(trees: dict[str, Path], arguments: argparse.Namespace) -> dict[str, object]:
    """Seconds of a training step, each round in fresh processes."""
    seconds: dict[str, list[float]] = {name: [] for name in trees}
    for _ in range(arguments.rounds):
        for name, tree in trees.items():
            options = [str(arguments.steps), str(WEIGHTS / "generator.safetensors")]
            seconds[name].append(float(run(tree, "-c", STEPS, *options)))
    return {
        "step_s": {name: statistics.median(values) for name, values in seconds.items()},
        "ratio": ratio(seconds["old"], seconds["new"]),
    }


COMPARISONS = {"eval": compare_evaluations, "start": compare_starts, "train": compare_steps}


def main() -> None:
    """Compare, and print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=list(COMPARISONS))
    parser.add_argument("--old", type=Path, required=True, help="folder of the old revision")
    parser.add_argument("--revision", default="262e391")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--samples", type=int, default=1000, help="eval: of each truncation")
    parser.add_argument("--steps", type=int, default=16, help="train: in every round")
    arguments = parser.parse_args()
    check_out(arguments.old, arguments.revision)
    found = COMPARISONS[arguments.what]({"old": arguments.old, "new": HERE}, arguments)
    print(json.dumps({**vars(arguments), **found}, default=str, indent=1))


if __name__ == "__main__":
    main()
