"""Edits as a user writes them, and as they move latents.

``FILE#2@0-3=-3,3`` is the direction 2 (counted from 0) of a file, on rows 0 to 3 of W+, by -3 and
by 3: two edits. Component and rows may be left out. ``age=50`` is an attribute of StyleFlow, and
``light#1=0.8`` goes most of the way to the second of a user's presets of light.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from l4f_bench.editing.attributes import (
    ATTRIBUTES,
    LIGHT_ROWS,
    attribute_named,
    check_light,
    edit_attribute,
    edit_light,
)
from l4f_bench.editing.config import Meaning
from l4f_bench.editing.directions import Directions, move, read_directions
from l4f_bench.editing.flow import StyleFlow
from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import GeneratorArchitecture

_TEXT = re.compile(r"(?P<source>.+?)(#(?P<component>\d{1,6}))?(@(?P<rows>[\d,-]+))?=(?P<by>[^=]+)")
MAX_ROWS = 18  # of w+ at 1024 pixels
LIGHT = "light"
"""What the move to a preset of light is called."""


@dataclass(frozen=True, slots=True)
class Latents:
    """What edits change."""

    w_plus: Tensor
    """``[1, L, w_dim]``."""
    context: Tensor | None = None
    """Attributes ``[1, 17]``, where they are known."""


class Edit(Protocol):
    """One change of latents."""

    @property
    def label(self) -> str:
        """What tables and figures call it."""

    def apply(self, latents: Latents) -> Latents:
        """The latents after it."""

    def facts(self) -> dict[str, Any]:
        """What a record says of it: fields of :class:`l4f_bench.editing.record.EditFacts`."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class DirectionEdit:
    """A move along a direction."""

    directions: Directions
    component: int
    strength: float
    rows: tuple[int, ...] | None
    """Rows of W+ that move; None for all."""
    meaning: Meaning
    name: str
    """What the directions are called."""

    @property
    def label(self) -> str:
        """See :class:`Edit`."""
        sign = "to " if self.meaning == "target" else ""
        return f"{self.name} {self.component} {sign}{self.strength:+g}"

    def apply(self, latents: Latents) -> Latents:
        """See :class:`Edit`."""
        directions = self.directions
        stdev = 1.0 if directions.stdev is None else float(directions.stdev[self.component])
        moved = move(
            latents.w_plus,
            directions.vectors[self.component],
            self.strength,
            rows=self.rows,
            meaning=self.meaning,
            stdev=stdev,
            mean=directions.mean,
        )
        return Latents(moved, latents.context)

    def facts(self) -> dict[str, Any]:
        """See :class:`Edit`."""
        return {
            "kind": self.directions.kind,
            "name": self.name,
            "component": self.component,
            "strength": self.strength,
            "meaning": self.meaning,
            "rows": self.rows,
        }


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FlowEdit:
    """An edit by StyleFlow: of an attribute, or of light."""

    label: str
    """See :class:`Edit`."""
    move: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
    """Given w+ and context, those after it."""
    name: str
    component: int | None
    strength: float
    meaning: Meaning
    rows: Sequence[int]

    def apply(self, latents: Latents) -> Latents:
        """See :class:`Edit`."""
        assert latents.context is not None, "checked when the edits are opened"
        return Latents(*self.move(latents.w_plus, latents.context))

    def facts(self) -> dict[str, Any]:
        """See :class:`Edit`."""
        return {
            "kind": "styleflow",
            "name": self.name,
            "component": self.component,
            "strength": self.strength,
            "meaning": self.meaning,
            "rows": tuple(self.rows),
        }


@dataclass(frozen=True, slots=True)
class EditText:
    """An edit as it was written."""

    source: str
    component: int | None
    rows: tuple[int, ...] | None
    strengths: tuple[float, ...]


def parse_edit(text: str) -> EditText:
    """What a user wrote, in parts.

    Raises:
        InputError: It has another form.
    """
    found = _TEXT.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        strengths = tuple(float(part) for part in found["by"].split(","))
        if not all(math.isfinite(strength) for strength in strengths):
            raise ValueError
        rows = None if found["rows"] is None else parse_rows(found["rows"])
    except ValueError:
        raise InputError(
            f"--edit {text:.80} is no edit. Write FILE#2@0-3=-3,3 (direction 2 on rows 0 to 3 by "
            "-3 and by 3; # and @ may be left out), or with --flow an attribute: age=50."
        ) from None
    component = None if found["component"] is None else int(found["component"])
    return EditText(found["source"], component, rows, strengths)


def parse_rows(text: str) -> tuple[int, ...]:
    """Rows, or layers, written as ``0-3,7``.

    Raises:
        ValueError: The text has another form, or names rows that no generator has.
    """
    rows: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        span = range(int(first), int(last or first) + 1)
        if not span or span[-1] >= MAX_ROWS:
            raise ValueError
        rows.update(span)
    return tuple(sorted(rows))


def open_edits(
    texts: Sequence[str],
    architecture: GeneratorArchitecture,
    generator: str,
    *,
    meaning: Meaning,
    flow: StyleFlow | None = None,
    lights: Tensor | None = None,
) -> tuple[list[Edit], dict[str, str]]:
    """The edits that a user wrote, once they fit the generator.

    Args:
        texts: As for :func:`parse_edit`.
        architecture: The generator's.
        generator: Digest of its checkpoint.
        meaning: What strengths of directions are.
        flow: StyleFlow's network, for attributes.
        lights: Presets of light for it, ``[P, 9]``.

    Returns:
        The edits in their order, and the digests of the files of directions by name.

    Raises:
        CheckpointError: A file cannot be read.
        InputError: A text is no edit, or an edit does not fit the generator.
    """
    edits: list[Edit] = []
    digests: dict[str, str] = {}
    for written in map(parse_edit, texts):
        if flow is not None and written.source in ATTRIBUTES:
            edits += _attribute_edits(written, flow)
            continue
        if flow is not None and written.source == LIGHT:
            edits += _light_edits(written, flow, lights)
            continue
        path = Path(written.source)
        if written.source in {*ATTRIBUTES, LIGHT} and not path.exists():
            raise InputError(
                f"{written.source} is an attribute of StyleFlow. Give its network with --flow FILE "
                "and what the samples show with --attributes FILE."
            )
        directions = read_directions(path)
        directions.check_generator(architecture, generator, path.name)
        edits += direction_edits(directions, written, path.stem, meaning, architecture.num_latents)
        digests[path.name] = directions.sha256
    return edits, digests


def direction_edits(
    directions: Directions, written: EditText, name: str, meaning: Meaning, num_rows: int
) -> list[DirectionEdit]:
    """One edit for each strength that is written.

    Raises:
        InputError: There is no such direction, or no such row.
    """
    component = written.component or 0
    if component >= len(directions.vectors):
        raise InputError(
            f"{name} holds {len(directions.vectors)} directions; #{component} is none of them. "
            f"Give #0 to #{len(directions.vectors) - 1}."
        )
    rows = directions.rows if written.rows is None else written.rows
    if rows is not None and max(rows) >= num_rows:
        raise InputError(f"Row {max(rows)} of w+ does not exist: give rows 0 to {num_rows - 1}.")
    return [
        DirectionEdit(
            directions=directions, component=component, strength=strength, rows=rows,
            meaning=meaning, name=name,
        )
        for strength in written.strengths
    ]  # fmt: skip


def _attribute_edits(written: EditText, flow: StyleFlow) -> list[FlowEdit]:
    if written.component is not None or written.rows is not None:
        raise InputError(
            f"{written.source} takes neither # nor @: its rows are the published ones."
        )
    for strength in written.strengths:
        attribute_named(written.source, strength)
    name = written.source
    return [
        FlowEdit(
            label=f"{name} to {wanted:g}",
            move=partial(edit_attribute, flow, name=name, wanted=wanted),
            name=name, component=None, strength=wanted, meaning="target",
            rows=ATTRIBUTES[name].rows,
        )
        for wanted in written.strengths
    ]  # fmt: skip


def _light_edits(written: EditText, flow: StyleFlow, lights: Tensor | None) -> list[FlowEdit]:
    if lights is None:
        raise InputError("light needs the presets that it goes to: give them with --lights FILE.")
    number = written.component or 0
    if number >= len(lights):
        raise InputError(
            f"--lights holds {len(lights)} presets; #{number} is none of them. Give #0 to "
            f"#{len(lights) - 1}."
        )
    if written.rows is not None:
        raise InputError("light takes no @: its rows are the published ones.")
    for amount in written.strengths:
        check_light(amount)
    return [
        FlowEdit(
            label=f"{LIGHT} {number} by {amount:g}",
            move=partial(edit_light, flow, preset=lights[number], amount=amount),
            name=LIGHT, component=number, strength=amount, meaning="step", rows=LIGHT_ROWS,
        )
        for amount in written.strengths
    ]  # fmt: skip
