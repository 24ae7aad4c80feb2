"""Kill a training at random moments, resume it until it is done, and compare what it leaves.

In every round a training gets SIGKILL a few times, and is then resumed to its end. Its folder must
hold what that of an unbroken run holds: the same files, exported networks and grids to the byte,
checkpoints of the same content, the same settings, and the same log but for the speed, which the
clock decides. Exits with 1 if any round does not.

A moment is a random time after a random checkpoint; one in eight times after the start, and one in
eight after the last checkpoint. So it is as random on a busy machine.

    OMP_NUM_THREADS=1 python benchmarks/training_kills.py --kills 100
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from l4f_bench.training.checkpoints import load_newest


def train(folder: Path, arguments: argparse.Namespace, *more: str) -> subprocess.Popen[bytes]:
    """Start a training, or go on with one."""
    options = ["--method", arguments.method, "--preset", "debug", "--out", str(folder)]
    options += ["--steps", str(arguments.steps), "--every", str(arguments.every)]
    command = [sys.executable, "-m", "l4f_bench", "train", *options, *more]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a training that nothing happens to."""
    code = process.wait()
    if code:
        raise SystemExit(f"A training failed with exit code {code}.")


def newest(folder: Path) -> int:
    """Steps of the newest checkpoint; -1 where there is none."""
    return max((int(path.stem[5:]) for path in folder.glob("checkpoints/step-*.ckpt")), default=-1)


def kill(process: subprocess.Popen[bytes], folder: Path, last: int, chance: random.Random) -> bool:
    """Kill a training at a random moment; False if it ended before."""
    done, kind = max(newest(folder), 0), chance.randrange(8)
    after = {0: -1, 1: last}.get(kind, done + chance.randrange((last - done) // 2 + 1))
    while newest(folder) < after and process.poll() is None:
        time.sleep(0.002)
    longest_s = 3.0 if after < 0 else 0.15
    try:
        process.wait(chance.uniform(0, longest_s))
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait() != 0


def killed_run(folder: Path, arguments: argparse.Namespace, chance: random.Random) -> list[int]:
    """Do one round; returns the newest checkpoint at each kill, -1 where there was none."""
    saved: list[int] = []
    for _ in range(arguments.kills_a_round):
        if not kill(train(folder, arguments, "--resume"), folder, arguments.steps, chance):
            return saved
        saved.append(newest(folder))
    finish(train(folder, arguments, "--resume"))
    return saved


def content_of(folder: Path) -> dict[str, Any]:
    """What must be equal: by name, of every file in a run's folder."""
    found: dict[str, Any] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        if path.suffix == ".ckpt":
            found[name] = "compared by content"
        elif name == "config.json":
            found[name] = json.loads(path.read_text())["identity"]
        elif name == "log.jsonl":
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            found[name] = [{k: v for k, v in x.items() if k != "images_per_s"} for x in lines]
        else:
            found[name] = path.read_bytes()
    saved = load_newest(folder / "checkpoints")
    assert saved is not None
    found["state"] = flat(saved.state)
    found["figures"] = saved.progress.figures
    return found


def flat(value: Any) -> Any:
    """A state with its tensors as bytes, so that it can be compared."""
    if isinstance(value, torch.Tensor):
        return (str(value.dtype), tuple(value.shape), value.numpy().tobytes())
    if isinstance(value, dict):
        return {key: flat(part) for key, part in value.items()}
    return value


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="kills in all, at least")
    parser.add_argument("--kills-a-round", type=int, default=4)
    parser.add_argument("--method", default="ours")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=7)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Do rounds until there were enough kills, and print what was found as JSON."""
    arguments, different = parse_arguments(), []
    chance = random.Random(arguments.seed)
    saved: list[int] = []
    with tempfile.TemporaryDirectory() as place:
        whole = Path(place, "whole")
        finish(train(whole, arguments))
        expected, rounds = content_of(whole), 0
        while len(saved) < arguments.kills:
            folder = Path(place, f"round-{rounds}")
            saved += killed_run(folder, arguments, chance)
            found = content_of(folder)
            names = sorted(expected.keys() | found.keys())
            if unlike := [name for name in names if expected.get(name) != found.get(name)]:
                different.append({"round": rounds, "files": unlike})
            rounds += 1
    result = {
        **vars(arguments),
        "rounds": rounds,
        "kills_done": len(saved),
        "kills_before_the_first_checkpoint": saved.count(-1),
        "kills_between_checkpoints": sum(0 <= step < arguments.steps for step in saved),
        "kills_after_the_last_checkpoint": saved.count(arguments.steps),
        "equal_rounds": rounds - len(different),
        "different": different,
    }
    print(json.dumps(result, indent=1))
    return bool(different)


if __name__ == "__main__":
    sys.exit(main())
