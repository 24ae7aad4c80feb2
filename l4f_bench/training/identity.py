"""What a trainer is: for its files to state, and for resumed runs to compare."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Protocol

from l4f_bench.training.compute import Compute


class _Images(Protocol):
    @property
    def digest(self) -> str: ...


class Described(Protocol):
    """What there is to say of any trainer."""

    @property
    def config(self) -> Any:
        """Its settings, a dataclass."""

    @property
    def images(self) -> _Images:
        """What it learns from."""


class Identified(Described, Protocol):
    """One whose runs can be resumed."""

    @property
    def compute(self) -> Compute:
        """Where and how it computes."""


def identity_of(method: str, trainer: Identified) -> dict[str, Any]:
    """What must be the same for a resumed run of ``method``; JSON data."""
    return {
        "method": method,
        **asdict(trainer.config),
        **trainer.compute.identity(),
        "data": trainer.images.digest,
    }


def about(trainer: Described, num_steps: int) -> dict[str, Any]:
    """How networks came about that were trained for ``num_steps``; JSON data."""
    return {
        "training": asdict(trainer.config),
        "num_steps": num_steps,
        "data": trainer.images.digest,
    }
