"""What a training run leaves to look at: lines of JSON, sample grids, TensorBoard if wanted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from PIL import Image

from l4f_bench.errors import BenchError, MissingDependencyError
from l4f_bench.runs import CONFIG, write_text
from l4f_bench.sheets import write_sheet
from l4f_bench.training.grids import Grid, sheet_of

LOG, GRIDS, TENSORBOARD = "log.jsonl", "grids", "tensorboard"


class RunLog:
    """The log of a run that goes on after ``done`` steps; a context manager.

    It writes only as long as its folder is the one that it was opened in: writing would make a
    removed one anew, and the run would end well with most of its files missing.
    """

    def __init__(
        self, folder: Path, done: int, lines: str, *, title: str, tensorboard: bool
    ) -> None:
        """Open the log of a folder with ``config.json``, and let it say ``lines`` alone.

        Args:
            folder: Of the run.
            done: Steps done before.
            lines: What the log says of them.
            title: What is trained, for the titles of grids.
            tensorboard: Write for TensorBoard, too.

        Raises:
            InputError: It cannot be written.
            MissingDependencyError: TensorBoard is wanted and not installed.
        """
        self._folder, self._title = folder, title
        self._board = _open_board(folder / TENSORBOARD, done) if tensorboard else None
        write_text(folder / LOG, lines)
        self._lines: TextIO = (folder / LOG).open("a", encoding="utf-8")

    def __enter__(self) -> RunLog:
        return self

    def __exit__(self, *unused: object) -> None:
        self._lines.close()
        if self._board is not None:
            self._board.close()

    def check_folder(self) -> None:
        """Raise if what the run has written so far is no longer there.

        Raises:
            BenchError: The folder, its ``config.json`` or the log has been removed or replaced.
        """
        try:
            there = (self._folder / CONFIG).is_file()
            same = os.path.samestat(os.fstat(self._lines.fileno()), (self._folder / LOG).stat())
        except OSError:
            there = same = False
        if not (there and same):
            raise BenchError(
                f"{self._folder} was removed or changed while the run was writing to it. Start "
                "again in another folder."
            )

    def write(self, step: int, figures: Mapping[str, float]) -> str:
        """Write one line of figures after ``step`` steps; returns it.

        Raises:
            BenchError: The folder is gone.
        """
        self.check_folder()
        line = json.dumps({"step": step, **figures}) + "\n"
        self._lines.write(line)
        self._lines.flush()
        if self._board is not None:
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)
        return line

    def write_grid(self, step: int, grid: Grid) -> None:
        """Draw samples as they are after ``step`` steps.

        Raises:
            BenchError: The folder is gone, or cannot be written.
        """
        self.check_folder()
        path = self._folder / GRIDS / f"step-{step:09d}.png"
        write_sheet(path, sheet_of(grid, f"{self._title}, step {step:,}"))
        if self._board is not None:
            with Image.open(path) as drawn:
                pixels = np.asarray(drawn)
            self._board.add_image("samples", pixels, step, dataformats="HWC")


def _open_board(folder: Path, done: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingDependencyError(
            "--tensorboard needs TensorBoard. Install it: pip install 'l4f-bench[logging]'."
        ) from None
    return SummaryWriter(folder, purge_step=done + 1)
