"""Samples whose making is killed at random moments, and gone on with: the folder ends as it should.

A process that has everything imported is forked for every attempt, so that the kills fall on the
sampling itself. Each folder is killed up to three times and then finished; it must hold the bytes
of a folder that was made without a stop. Prints JSON, and fails at the first folder that differs:

    python benchmarks/sampling_kills.py --count 100
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path

import torch

from l4f_bench.cli import app
from l4f_bench.evaluation.sample_files import METADATA
from l4f_bench.generators.architecture import GeneratorArchitecture
from l4f_bench.generators.stylegan2 import Generator
from l4f_bench.methods.labels4free.alpha import alpha_network

NUM_SAMPLES = 40


def main() -> None:
    """Kill and resume until the wanted number of kills has hit, and print where they fell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    args = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        options = write_networks(Path(name))
        with redirect_stdout(sys.stderr):
            run(options, Path(name) / "first")  # imports everything
        started = time.monotonic()
        finish(options, Path(name) / "whole")
        duration = time.monotonic() - started
        whole = contents(Path(name) / "whole")
        fell: Counter[str] = Counter()
        folders = 0
        while fell.total() < args.count:
            folder = Path(name) / f"cut-{folders}"
            for _ in range(rng.randint(1, 3)):
                if place := killed(options, folder, rng.uniform(0, duration)):
                    fell[place] += 1
            finish(options, folder)
            if contents(folder) != whole:
                raise SystemExit(f"folder {folders} differs after {fell.total()} kills")
            folders += 1
    print(json.dumps({"kills": fell.total(), "folders": folders, "equal": folders, **fell}))


def write_networks(folder: Path) -> list[str]:
    """Two small networks; returns the options that name them."""
    torch.manual_seed(0)
    architecture = GeneratorArchitecture(size=32, channels=(8, 6, 5, 4), mapping_widths=(8, 8, 8))
    torch.save(Generator(architecture).state_dict(), folder / "generator.pt")
    torch.save(alpha_network("bg_extractor", (5, 4)).state_dict(), folder / "alpha.pt")
    named = ["--generator", str(folder / "generator.pt"), "--alpha", str(folder / "alpha.pt")]
    return ["sample", "--dataset", "cat", *named, "-n", str(NUM_SAMPLES)]


def run(options: list[str], folder: Path) -> None:
    """Sample into a folder, or go on with it."""
    resume = ["--resume"] if (folder / "config.json").exists() else []
    app([*options, "--out", str(folder), *resume], standalone_mode=False)


def forked(options: list[str], folder: Path) -> int:
    """A process that samples; returns its number."""
    child = os.fork()
    if child == 0:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        run(options, folder)
        os._exit(0)
    return child


def finish(options: list[str], folder: Path) -> None:
    """Sample to the end."""
    _, status = os.waitpid(forked(options, folder), 0)
    if status != 0:
        raise SystemExit(f"{folder} could not be finished: status {status}")


def killed(options: list[str], folder: Path, after_s: float) -> str | None:
    """Sample, and kill that after some seconds; returns where it fell, None if all was done."""
    child = forked(options, folder)
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        return None
    metadata = folder / METADATA
    if not metadata.exists():
        return "before the first sample"
    lines = metadata.read_bytes().count(b"\n")
    return "between samples" if 0 < lines < NUM_SAMPLES else "at the start or the end"


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


if __name__ == "__main__":
    main()
