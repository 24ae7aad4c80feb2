"""Folders of images and true masks that belong to no data set, under a name of the user's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.specs import DATASETS, DatasetSpec, unlisted
from l4f_bench.errors import InputError

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}"


@dataclass(frozen=True, slots=True)
class OwnFolders:
    """Images, true masks, or both, and what they are called in records and tables."""

    name: str
    images: Path | None
    truth: Path | None

    def __post_init__(self) -> None:
        """Refuse what is no name, or that of a data set."""
        if self.name in DATASETS:
            raise InputError(
                f"--name {self.name} is a data set, with which your images would be mixed up. "
                f"Choose another name, or give it with --dataset {self.name} --data DIR."
            )
        if not re.fullmatch(_NAME, self.name):
            raise InputError(
                f"--name {self.name!r} is not a name: use up to 60 letters, digits, '.', '_' and "
                "'-'."
            )

    @property
    def spec(self) -> DatasetSpec:
        """What is known of them."""
        return unlisted(self.name)

    def check(self, *, masks: Path | None, by_annotator: bool) -> None:
        """Refuse to score what cannot be scored with these folders.

        Args:
            masks: Folder of predicted masks; None where a method makes them.
            by_annotator: Whether an annotator says what is true.

        Raises:
            InputError: Images are needed and missing, or two things say what is true.
        """
        if by_annotator and self.truth is not None:
            raise InputError("Both --truth and --annotator say what is true. Leave out one.")
        if self.images is None and (masks is None or self.truth is None):
            raise InputError(
                f"The images of {self.name} are missing. Add --images DIR, or score masks on disk "
                "(--masks DIR) against --truth DIR."
            )

    def open(self, level: int) -> FolderImages:
        """The images, called by their own files where there are some.

        Args:
            level: Grey level from which a pixel of a true mask is foreground.

        Raises:
            InputError: A folder is missing or empty, or files are left unpaired.
        """
        return FolderImages(self.spec, self.truth, self.images, level=level, named_by_images=True)
