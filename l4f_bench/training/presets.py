"""Presets: settings to start from, with the number of steps that they are meant for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from l4f_bench.errors import InputError
from l4f_bench.registry import Registry, unknown_name

Config = TypeVar("Config")


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset(Generic[Config]):
    """Settings under a name."""

    key: str
    """As typed after ``--preset``; unique for its data set."""
    dataset: str | None = None
    """Key of the one data set that it is for; None for any."""
    config: Config
    """The settings, a frozen dataclass."""
    num_steps: int
    """Steps of these settings, 1 or more."""
    source: str
    """Where the settings come from."""

    @property
    def name(self) -> str:
        """Its name among all presets of a trainer, as ``debug`` or ``car/paper``."""
        return self.key if self.dataset is None else f"{self.dataset}/{self.key}"


class Presets(Registry[Preset[Config]]):
    """The presets of one trainer; those of a data set begin with the usual one."""

    def __init__(self, trainer: str) -> None:
        super().__init__(f"preset of {trainer}")
        self._trainer = trainer

    def choose(self, dataset: str, key: str | None) -> Preset[Config]:
        """The preset of a key for a data set.

        Args:
            dataset: Key of the data set.
            key: Key of the preset; None for the one that is called as the data set, or else the
                first.

        Raises:
            InputError: There are none for the data set, or none of them has that key; the message
                gives those that there are.
        """
        own = {preset.key: preset for preset in self if preset.dataset in (None, dataset)}
        if not own:
            owners = ", ".join(dict.fromkeys(str(preset.dataset) for preset in self))
            raise InputError(
                f"{self._trainer} has no preset for the data set '{dataset}', only for {owners}."
            )
        if key is None:
            return own.get(dataset) or next(iter(own.values()))
        if key not in own:
            raise InputError(
                unknown_name(f"preset of {self._trainer} for {dataset}", key, list(own))
            )
        return own[key]
