"""Training curves from a run's log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from l4f_bench.errors import InputError, MissingDependencyError
from l4f_bench.json_data import parse_json
from l4f_bench.runs import atomic_path

_NOT_CURVES = ("step", "images")
_MOST_FIGURES = 100
_TOO_LARGE = 1e100  # to be drawn


def write_curves(log: Path, path: Path) -> None:
    """Draw every figure of a training log over the steps, one below the other, as a PNG.

    Raises:
        InputError: The log cannot be read, or the file cannot be written.
        MissingDependencyError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingDependencyError(
            "Curves need matplotlib. Install it: pip install 'l4f-bench[plots]'."
        ) from None
    frame = _read(log)
    names = [name for name in frame.columns if name not in _NOT_CURVES]
    figure = Figure(figsize=(7, 1.4 * len(names)), layout="constrained")
    axes = figure.subplots(len(names), 1, sharex=True, squeeze=False)[:, 0]
    for axis, name in zip(axes, names, strict=True):
        known = frame[name].notna()  # some are looked at more seldom than others
        axis.plot(frame["step"][known], frame[name][known], linewidth=1)
        axis.set_ylabel(name)
    axes[-1].set_xlabel("step")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=80)


def _read(log: Path) -> pd.DataFrame:
    try:
        lines = [parse_json(line) for line in log.read_bytes().splitlines()]
    except OSError as error:
        raise InputError(f"{log} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise InputError(f"{log} cannot be read as a training log: {error}.") from None
    if not lines or not all(map(_is_line, lines)) or len(lines[0]) > _MOST_FIGURES:
        raise InputError(f"{log} is not a training log. Give the log.jsonl of a run of train.")
    return pd.DataFrame(lines, dtype=float)


def _is_line(line: Any) -> bool:
    """Whether it holds figures by name after a number of steps."""
    if not isinstance(line, dict) or "step" not in line:
        return False
    return all(type(value) in (int, float) and abs(value) < _TOO_LARGE for value in line.values())
