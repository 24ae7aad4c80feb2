"""Trainers of other packages: what they do wrong is said in one line that names them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any

from l4f_bench.errors import InputError
from l4f_bench.registry import capitalised, code_of_others
from l4f_bench.training.grids import Grid, is_grid
from l4f_bench.training.loop import Trainer, Validating


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
        return self._figures("step", figures)

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

    def grid(self) -> Grid:
        """Samples to look at, by what they show."""
        with code_of_others(self._what):
            grid = self._trainer.grid()
        if not is_grid(grid):
            raise self._breaks_contract("grid", "uint8 tensors [N, 3, H, W] of one N by name")
        return grid

    def validate(self, num_steps: int) -> dict[str, float]:
        """Scores of what it holds out, if anything."""
        if not isinstance(self._trainer, Validating):
            return {}
        with code_of_others(self._what):
            scores = self._trainer.validate(num_steps)
        return self._figures("validate", scores)

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

    def _figures(self, name: str, value: object) -> dict[str, float]:
        if isinstance(value, dict) and all(
            isinstance(key, str) and isinstance(figure, Real) for key, figure in value.items()
        ):
            return {key: float(figure) for key, figure in value.items()}
        raise self._breaks_contract(name, "a dictionary of numbers by name")

    def _breaks_contract(self, name: str, due: str) -> InputError:
        return InputError(
            f"{capitalised(self._what)} breaks the contract of trainers: its {name} does not give "
            f"{due}."
        )
