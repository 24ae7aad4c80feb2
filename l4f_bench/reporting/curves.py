"""Training curves from the logs of runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.json_data import parse_json
from l4f_bench.runs import atomic_path
from l4f_bench.terminal import one_line

LOG = "log.jsonl"
_NOT_CURVES = ("step", "images")
_FIRST = ("loss", "loss_alpha", "loss_g", "loss_masks", "coverage", "binarisation")
"""Figures that say whether a training works; others follow as the logs have them."""
_LAST = ("images_per_s",)
_UNITS = {
    "coverage": "share of pixels",
    "binarisation": "distance from 0 or 1",
    "images_per_s": "images/s",
    "resolution": "pixels",
}
_MOST_FIGURES = 100
_MOST_RUNS = 20
_TOO_LARGE = 1e100  # to be drawn
_LONGEST = 60  # letters of a name


def write_curves(runs: Sequence[Path], path: Path) -> None:
    """Draw every figure of some trainings over the steps, one below the other, as a PNG.

    Args:
        runs: Their folders, or the logs in these; a line of its own for each.
        path: The PNG to write.

    Raises:
        InputError: A log cannot be read, there are too many, or the file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "Curves need matplotlib. Install it: pip install 'l4f-bench[plots]'."
        ) from None
    if len(runs) > _MOST_RUNS:
        raise InputError(f"{len(runs)} runs are too many for one plot: give up to {_MOST_RUNS}.")
    logs = [run / LOG if run.is_dir() else run for run in runs]
    frames = [_read(log) for log in logs]
    names = _ordered(frames)
    if len(names) > _MOST_FIGURES:
        raise InputError(f"{logs[0]} is not a training log: it has {len(names)} figures.")
    figure = Figure(figsize=(7, 0.9 + 1.5 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        _draw(axis, name, frames)
    axes[-1].set_xlabel("steps")
    figure.align_ylabels(axes)
    _name_runs(figure, _titles(logs))
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def _ordered(frames: Sequence[pd.DataFrame]) -> list[str]:
    """Every figure of the logs once, those that matter most first."""
    found = dict.fromkeys(str(name) for frame in frames for name in frame.columns)
    others = [name for name in found if name not in (*_NOT_CURVES, *_FIRST, *_LAST)]
    return [
        *(name for name in _FIRST if name in found),
        *others,
        *(name for name in _LAST if name in found),
    ]


def _draw(axis: Any, name: str, frames: Sequence[pd.DataFrame]) -> None:
    for number, frame in enumerate(frames):
        if name in frame:
            known = frame[name].notna()  # some are looked at more seldom than others
            steps, values = frame["step"][known], frame[name][known]
            axis.plot(steps, values, linewidth=1, color=f"C{number % 10}")
    unit = f"\n({_UNITS[name]})" if name in _UNITS else ""
    axis.set_ylabel(f"{one_line(name)[:_LONGEST]}{unit}", fontsize=8, parse_math=False)
    axis.grid(linewidth=0.3)


def _name_runs(figure: Any, titles: Sequence[str]) -> None:
    """The run in the title, or several in a legend."""
    if len(titles) == 1:
        figure.suptitle(titles[0], fontsize=10, parse_math=False)
        return
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=f"C{number % 10}") for number in range(len(titles))]
    legend = figure.legend(lines, titles, loc="outside upper left", fontsize=8, ncols=2)
    for text in legend.get_texts():
        text.set_parse_math(False)


def _titles(logs: Sequence[Path]) -> list[str]:
    """Names of the runs' folders, with those above them where two are alike."""
    parts = [log.absolute().parent.parts for log in logs]
    for depth in range(1, max(map(len, parts)) + 1):
        names = ["/".join(own[-depth:]) for own in parts]
        if len(set(names)) == len(names):
            break
    return [one_line(name)[-_LONGEST:] for name in names]


def _read(log: Path) -> pd.DataFrame:
    try:
        lines = [parse_json(line) for line in log.read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"{log} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InputError(f"{log} cannot be read as a training log: {error}.") from None
    if not lines or not all(map(_is_line, lines)):
        raise InputError(f"{log} is not a training log. Give the {LOG} of a run of train.")
    return pd.DataFrame(lines, dtype=float)


def _is_line(line: Any) -> bool:
    """Whether it holds figures by name after a number of steps."""
    if not isinstance(line, dict) or "step" not in line:
        return False
    return all(type(value) in (int, float) and abs(value) < _TOO_LARGE for value in line.values())
