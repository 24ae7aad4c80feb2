"""Trainers of other packages: what they do wrong is said in one line that names them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.errors import InputError
from l4f_bench.registry import capitalised, code_of_others
from l4f_bench.training.loop import Trainer


class CheckedTrainer:
    """A trainer whose failures and results are checked; methods as in :class:`Trainer`.

    Each raises ``InputError`` where the trainer fails or breaks the contract.
    """

    def __init__(self, trainer: Trainer, what: str) -> None:
        """Check ``trainer``, which messages call ``what``."""
        self._trainer, self._what = trainer, what

    @property
    def batch_size(self) -> int:
        """Images of the next step."""
        with code_of_others(self._what):
            return self._number("batch_size", self._trainer.batch_size)

    def images_after(self, num_steps: int) -> int:
        """Images of the first ``num_steps`` steps together."""
        with code_of_others(self._what):
            return self._number("images_after", self._trainer.images_after(num_steps))

    def step(self, step: int) -> dict[str, float]:
        """Do a step."""
        with code_of_others(self._what):
            figures = self._trainer.step(step)
        fits = isinstance(figures, dict) and all(
            isinstance(name, str) and isinstance(value, Real) for name, value in figures.items()
        )
        if not fits:
            raise self._breaks_contract("step", "a dictionary of numbers by name")
        return {name: float(value) for name, value in figures.items()}

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes in training."""
        with code_of_others(self._what):
            state = self._trainer.state_dict()
        if not isinstance(state, dict):
            raise self._breaks_contract("state_dict", "a dictionary of tensors and plain values")
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go back to a state."""
        with code_of_others(self._what):
            self._trainer.load_state_dict(state)

    def grid(self) -> npt.NDArray[np.uint8]:
        """Samples side by side, ``[H, W, 3]``."""
        with code_of_others(self._what):
            grid = self._trainer.grid()
        if not isinstance(grid, np.ndarray) or grid.dtype != np.uint8 or grid.shape[2:] != (3,):
            raise self._breaks_contract("grid", "uint8 [H, W, 3]")
        return grid

    def check(self, means: Mapping[str, float], *, last: bool) -> None:
        """Stop a collapsed run."""
        with code_of_others(self._what):
            self._trainer.check(means, last=last)

    def export(self, folder: Path, num_steps: int) -> list[Path]:
        """Write the networks."""
        with code_of_others(self._what):
            return list(self._trainer.export(folder, num_steps))

    def _number(self, name: str, value: object) -> int:
        if not isinstance(value, int):
            raise self._breaks_contract(name, "a whole number")
        return value

    def _breaks_contract(self, name: str, due: str) -> InputError:
        return InputError(
            f"{capitalised(self._what)} breaks the contract of trainers: its {name} does not give "
            f"{due}."
        )
