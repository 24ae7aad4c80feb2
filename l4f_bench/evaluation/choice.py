"""Which images of a set are scored: what a record says of it, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass

from l4f_bench.datasets.image_set import ImageSet, WithChoice
from l4f_bench.errors import InputError
from l4f_bench.evaluation.counting import Counts


@dataclass(frozen=True, slots=True)
class Choice:
    """Some of a data set's images and parts of their masks; fields as in a record."""

    split: str | None = None
    parts: tuple[str, ...] = ()

    @classmethod
    def of(cls, images: ImageSet) -> Choice:
        """What was chosen; nothing where there is nothing to choose."""
        return cls(images.split, images.parts) if isinstance(images, WithChoice) else cls()

    def named(self) -> list[str]:
        """Phrases for a label."""
        parts = [f"{' and '.join(self.parts)} alone"] if self.parts else []
        return parts if self.split is None else [self.split, *parts]


def warnings_of(images: ImageSet, *, strict: bool) -> list[str]:
    """What there is to say of the images so far; in all processes.

    Raises:
        InputError: There is something, and ``strict``.
    """
    said = images.warnings()
    if strict and said:
        raise InputError(f"{' '.join(said)} Mend that, or leave out --strict.")
    return said


def check_any_left(counts: Counts, said: list[str]) -> None:
    """Raise unless images were counted.

    Raises:
        InputError: None was; the message says why.
    """
    if not counts.rows:
        reasons = ", ".join(f"{reason} {number}" for reason, number in counts.rejected.items())
        raise InputError(
            " ".join([f"None of {counts.drawn} images can be scored ({reasons}).", *said])
        )
