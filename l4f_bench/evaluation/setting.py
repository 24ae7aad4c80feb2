"""The contract of a setting: a frozen value whose fields are exactly its options.

Whoever has one, a command or a notebook, asks for its parts and runs each; nothing else needs to
know what kind it is.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from l4f_bench.evaluation.counting import Counts
from l4f_bench.evaluation.examples import Example
from l4f_bench.evaluation.pieces import Piece, write_piece
from l4f_bench.evaluation.records import RECORD_FILE, Record
from l4f_bench.methods.specs import method_named
from l4f_bench.progress import Progress


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one evaluation gives."""

    record: Record
    examples: list[Example] = field(default_factory=list)
    """Worst, median and best images, where there are images to show."""
    counts: Counts | None = None
    """Pixel counts of every image, where the setting hands them on."""
    piece: Piece | None = None
    """What a merge needs, where only a part of the images was evaluated."""
    failure: str | None = None
    """Why there is nothing to score, although the record says what was done."""

    def save(self, folder: Path) -> None:
        """Write the record, and what a merge needs of a part.

        Raises:
            InputError: The folder cannot be written.
        """
        if self.piece is not None:
            write_piece(folder, self.piece)
        self.record.save(folder / RECORD_FILE)


class Setting(Protocol):
    """What is evaluated, against what."""

    key: ClassVar[str]
    """Name of the setting, on the command line and in records."""

    def parts(self) -> Sequence[Setting]:
        """The evaluations that this asks for, each of which makes one record.

        Raises:
            InputError: A name is unknown, or options contradict each other.
        """

    def folder(self) -> str:
        """Name of this part's folder among those of the same call."""

    def run(self, progress: Progress) -> Outcome:
        """Evaluate a part.

        Raises:
            InputError: A file or folder cannot be used.
            MissingAssetError: Data or weights are missing; the message says how to get them.
        """


def to_json(config: Any) -> dict[str, Any]:
    """A configuration as JSON data; paths are kept as they were given."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return plain


def run_name(setting: Any) -> str:
    """Name of a run's folder: what is evaluated, and a digest of the whole configuration.

    The same configuration gives the same folder, another one never overwrites it.
    """
    text = json.dumps({"setting": setting.key, **to_json(setting)}, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{method_named(setting.method).name}-{setting.dataset}-{setting.key}-{digest}"
