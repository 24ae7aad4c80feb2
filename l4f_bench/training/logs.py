"""What a training run leaves to look at: lines of JSON, sample grids, TensorBoard if wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.errors import MissingDependencyError
from l4f_bench.runs import atomic_path, write_text

LOG, GRIDS, TENSORBOARD = "log.jsonl", "grids", "tensorboard"


class RunLog:
    """The log of a run that goes on after ``done`` steps; a context manager."""

    def __init__(self, folder: Path, done: int, *, tensorboard: bool) -> None:
        """Open the log and drop what it says of steps that will be done again.

        Raises:
            MissingDependencyError: TensorBoard is wanted and not installed.
        """
        self._folder = folder
        self._board = _open_board(folder / TENSORBOARD, done) if tensorboard else None
        _trim(folder / LOG, done)
        self._lines: TextIO = (folder / LOG).open("a", encoding="utf-8")

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *unused: object) -> None:
        self._lines.close()
        if self._board is not None:
            self._board.close()

    def write(self, step: int, figures: Mapping[str, float]) -> None:
        """Write one line of figures after ``step`` steps."""
        self._lines.write(json.dumps({"step": step, **figures}) + "\n")
        self._lines.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)

    def write_grid(self, step: int, grid: npt.NDArray[np.uint8]) -> None:
        """Write samples ``[H, W, 3]`` as they are after ``step`` steps."""
        with atomic_path(self._folder / GRIDS / f"step-{step:09d}.png") as temporary:
            Image.fromarray(grid).save(temporary, format="png")
        if self._board is not None:
            self._board.add_image("samples", grid, step, dataformats="HWC")


def _open_board(folder: Path, done: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingDependencyError(
            "--tensorboard needs TensorBoard. Install it: pip install 'l4f-bench[logging]'."
        ) from None
    return SummaryWriter(folder, purge_step=done + 1)


def _trim(path: Path, done: int) -> None:
    """Drop lines of steps that will be done again, and one cut short by a kill."""
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            if json.loads(line)["step"] <= done:
                kept.append(line + "\n")
        except ValueError:
            break
    write_text(path, "".join(kept))
