"""Where the time of the default evaluation goes: an older revision beside this one, one thread.

py-spy looks at the running evaluation a hundred times a second, and each look counts for the stage
that it finds it in. Needs ``pip install py-spy`` and the extra ``plots``. Writes
``evaluation.json`` and ``evaluation.png``:

    OMP_NUM_THREADS=1 python benchmarks/where.py --old FOLDER --out reports/performance
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from revisions import EVAL, HERE, check_out, environment

from l4f_bench.runs import write_text

RATE = 100  # looks a second
START, OTHER = "start-up", "other"
STAGES = {
    START: r"<module>|_find_and_load|load_|open_annotator|from_state_dict",
    "annotator": r"l4f_bench/annotators/",
    "alpha network": r"AlphaNetwork\.(combine|_combined|reduce)|paint\.<locals>\.read",
    "foreground": r"AlphaNetwork\.paint",
    "background, composite, latents": r"Labels4Free\._sample",
    "drawn images, exact masks": r"l4f_bench/datasets/",
    "counts": r"l4f_bench/(evaluation/(counting|sampled|real|controls|difficulty)|metrics/counts)",
    "intervals": r"l4f_bench/metrics/",
    "figures": r"l4f_bench/(reporting/figures|sheets)",
}
"""The first stage of which any frame of a look matches the pattern."""
OUTERMOST = re.compile(r"<module> \(l4f_bench/__main__\.py.*?\)|.* \(<frozen runpy>.*?\)")
WAITING = re.compile(r"Condition\.wait |_worker |$")  # the innermost frame, of Python or of none


def stage_of(stack: str) -> str | None:
    """The stage that a look at the stack finds; None for a thread that waits."""
    frames = [frame for frame in stack.split(";") if not OUTERMOST.fullmatch(frame)]
    if not frames or WAITING.match(frames[-1]):
        return None
    for stage, pattern in STAGES.items():
        if any(re.search(pattern, frame) for frame in frames):
            return stage
    return OTHER


def seconds_of(tree: Path, samples: int) -> dict[str, float]:
    """Seconds of every stage of an evaluation by the package in a tree."""
    looks: Counter[str | None] = Counter()
    with tempfile.TemporaryDirectory() as out:
        raw = Path(out, "stacks")
        command = ["py-spy", "record", "-f", "raw", "-r", str(RATE), "-o", str(raw), "--"]
        command += [sys.executable, "-m", "l4f_bench", *EVAL, "--samples", str(samples)]
        subprocess.run(
            [*command, "--out", out], check=True, env=environment(tree), cwd=tree,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for line in raw.read_text(encoding="utf-8").splitlines():
            stack, number = line.rsplit(" ", 1)
            looks[stage_of(stack)] += int(number)
    return {stage: looks[stage] / RATE for stage in (*STAGES, OTHER)}


def draw(found: dict[str, dict[str, float]], path: Path) -> None:
    """A bar for each revision, divided among the stages."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(9, 3.2), layout="constrained")
    left = dict.fromkeys(found, 0.0)
    for number, stage in enumerate((*STAGES, OTHER)):
        widths = [seconds[stage] for seconds in found.values()]
        bars = axes.barh(
            list(found), widths, left=list(left.values()), label=stage, color=f"C{number}"
        )
        most = sum(max(found.values(), key=lambda seconds: sum(seconds.values())).values())
        labels = [f"{width:.1f}" if width > most / 25 else "" for width in widths]
        axes.bar_label(bars, labels, label_type="center", color="white", fontsize=8)
        left = {name: left[name] + width for name, width in zip(left, widths, strict=True)}
    axes.invert_yaxis()
    axes.set_xlabel("seconds of one core; default `eval`, 64 px")
    figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure both, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--old", type=Path, required=True, help="folder of the old revision")
    parser.add_argument("--revision", default="262e391")
    parser.add_argument("--samples", type=int, default=1000, help="of each truncation")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    check_out(arguments.old, arguments.revision)
    trees = {arguments.revision: arguments.old, "this": HERE}
    found = {name: seconds_of(tree, arguments.samples) for name, tree in trees.items()}
    text = json.dumps({"samples": arguments.samples, "seconds": found}, indent=1)
    write_text(arguments.out / "evaluation.json", text + "\n")
    draw(found, arguments.out / "evaluation.png")
    print(text)


if __name__ == "__main__":
    main()
