"""Samples in tar files, as WebDataset reads them.

Files of one sample stand side by side and share their name up to the first dot: ``000012.png`` the
image, ``000012.alpha.png``, ``000012.mask.png``, and ``000012.json`` its line of metadata.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from l4f_bench.runs import atomic_path

SHARD = 1000
"""Samples in a tar file."""
_ENDINGS = {"images": "png", "alpha": "alpha.png", "masks": "mask.png", "metadata": "json"}


class Shards:
    """The tar files of a folder, each with the next :data:`SHARD` samples."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, in which there need be none."""
        self.folder = folder
        self._places: dict[int, dict[str, tuple[int, int]]] = {}

    def path(self, number: int) -> Path:
        """Where a tar file stands."""
        return self.folder / f"{number:06d}.tar"

    def has(self, kind: str, index: int) -> bool:
        """Whether a file of a sample is there."""
        return kind in _ENDINGS and _member(kind, index) in self._members(index // SHARD)

    def read(self, kind: str, index: int) -> bytes:
        """A file of a sample that is there.

        Raises:
            OSError: It is not any more.
        """
        number = index // SHARD
        offset, size = self._members(number)[_member(kind, index)]
        with self.path(number).open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def write(self, number: int, samples: Iterable[tuple[int, dict[str, bytes]]]) -> None:
        """Write a tar file whose bytes depend on the samples alone; an earlier one is replaced.

        Args:
            number: Which one.
            samples: Indices, each with the content of its files by kind.

        Raises:
            InputError: The folder cannot be written.
            BenchError: The disk is full.
        """
        path = self.path(number)
        with atomic_path(path) as temporary, tarfile.open(temporary, "w") as tar:
            for index, contents in samples:
                for kind, content in contents.items():
                    member = tarfile.TarInfo(_member(kind, index))
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
        self._places.pop(number, None)

    def num_samples(self) -> int:
        """One more than the last sample's index; 0 without any."""
        numbers = [int(path.stem) for path in self.folder.glob("*.tar") if path.stem.isdecimal()]
        names = self._members(max(numbers)) if numbers else {}
        stems = [name.partition(".")[0] for name in names]
        return max((int(stem) + 1 for stem in stems if stem.isdecimal()), default=0)

    def _members(self, number: int) -> dict[str, tuple[int, int]]:
        """Where each file stands in a tar file, and its size; none where that cannot be read."""
        if number not in self._places:
            try:
                with tarfile.open(self.path(number), "r:") as tar:
                    found = {m.name: (m.offset_data, m.size) for m in tar if m.isreg()}
            except (OSError, tarfile.TarError):
                found = {}
            self._places[number] = found
        return self._places[number]


def _member(kind: str, index: int) -> str:
    return f"{index:06d}.{_ENDINGS[kind]}"
