"""The files of samples in their folder: which there are, how they are written, found and told.

``images/``, ``alpha/`` (8 bits; ``alpha16/`` 16 bits on request), ``masks/`` and, where the method
makes such and they are asked for, ``backgrounds/`` and ``composites/`` hold one PNG per sample.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.errors import BenchError, InputError
from l4f_bench.evaluation.sample_config import SampleConfig
from l4f_bench.evaluation.sample_shards import Shards
from l4f_bench.methods.contracts import Samples
from l4f_bench.provenance import sha256_of
from l4f_bench.runs import atomic_path, cannot_write, whole_lines
from l4f_bench.sheets import Row, Sheet, write_sheet

METADATA, GRID = "metadata.jsonl", "grid.png"
_SHOWN, _SIDE = 8, 128  # samples in the grid, and the largest side of each in pixels
_KINDS = ("images", "alpha", "masks", "backgrounds", "composites")
_OPTIONAL = {"backgrounds": "background", "composites": "composite"}
"""What not every method makes, and no pair has, by sub-folder."""

ByteArray = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class SampleFiles:
    """The files of the samples of a configuration."""

    folder: Path
    config: SampleConfig
    shards: Shards = field(init=False)
    """Where files may stand instead of their sub-folders."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "shards", Shards(self.folder / "shards"))

    def path(self, kind: str, index: int) -> Path:
        """Where a file stands unless it is in a tar file."""
        return self.folder / kind / _name(index)

    def num_samples(self) -> int:
        """One more than the index of the last sample that has a file."""
        numbers = [int(p.stem) for p in self.folder.glob("*/*.png") if p.stem.isdecimal()]
        return max(max(numbers, default=-1) + 1, self.shards.num_samples())

    def kinds_there(self) -> tuple[str, ...]:
        """Sub-folders that an earlier run made."""
        return self._kinds([kind for kind in _OPTIONAL if (self.folder / kind).is_dir()])

    def make_folders(self, samples: Samples) -> tuple[str, ...]:
        """Make the sub-folders for what the method makes, which are returned.

        This is done once: one that is removed later must not come back half empty.

        Raises:
            InputError: They cannot be made, or composites are asked for and not made.
            BenchError: The disk is full.
        """
        if self.config.pairs and self.config.has_layers and samples.composite is None:
            raise InputError(
                f"{self.config.method} makes no composites. Take its images as they are "
                "(--images original)."
            )
        made = [kind for kind, name in _OPTIONAL.items() if getattr(samples, name) is not None]
        kinds = self._kinds(made)
        for kind in kinds:
            try:
                (self.folder / kind).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise cannot_write(self.folder / kind, error) from error
        return kinds

    def write(self, samples: Samples, position: int, index: int) -> tuple[int, str]:
        """Write the files of one sample of a batch; returns its index and line of metadata."""
        arrays = self._arrays(samples, position)
        digests = {kind: _write_png(self.path(kind, index), a) for kind, a in arrays.items()}
        return index, self._line(index, digests)

    def line(self, index: int) -> str | None:
        """The line that belongs to the files of a sample; None where one is missing."""
        extras = [kind for kind in _OPTIONAL if self.path(kind, index).is_file()]
        digests = {kind: self._digest(kind, index) for kind in self._kinds(extras)}
        found = {kind: digest for kind, digest in digests.items() if digest is not None}
        return self._line(index, found) if len(found) == len(digests) else None

    def content(self, kind: str, index: int) -> bytes:
        """A file of a sample, wherever it stands.

        Raises:
            BenchError: It is gone.
        """
        path = self.path(kind, index)
        try:
            return path.read_bytes() if path.exists() else self.shards.read(kind, index)
        except (OSError, KeyError):
            raise _lost([path]) from None

    def check_whole(self, kinds: Sequence[str]) -> None:
        """Raise if files that were written are gone, as when a folder was emptied meanwhile.

        Raises:
            BenchError: Some are; the message names the first.
        """
        num_images = self.config.num_images
        lines = whole_lines(self.folder / METADATA)
        lost = [self.folder / METADATA] if len(lines) < num_images else []
        for kind in kinds:
            there = {path.name for path in (self.folder / kind).glob("*.png")}
            gone = (i for i in range(num_images) if _name(i) not in there)
            lost += [self.path(kind, i) for i in gone if not self.shards.has(kind, i)]
        if lost:
            raise _lost(lost)

    def write_grid(self, kinds: Sequence[str]) -> None:
        """Draw the first samples: a row each, a column per kind of file."""
        config = self.config
        shown = range(min(config.num_images, _SHOWN))
        columns = tuple(kind for kind in kinds if kind in _KINDS)
        rows = [Row(tiles=[_rgb(self.content(kind, i)) for kind in columns]) for i in shown]
        psi = f"psi {config.truncation:g}, seed {config.seed}"
        title = f"{config.method}, {config.dataset}, {psi}: {len(rows)} of {config.num_images:,}"
        write_sheet(self.folder / GRID, Sheet(title=title, columns=columns, rows=rows, side=_SIDE))

    def _kinds(self, extras: Collection[str]) -> tuple[str, ...]:
        """Sub-folders with those of :data:`_OPTIONAL` that there are, in the metadata's order."""
        wanted = () if self.config.pairs else extras
        kinds = [kind for kind in _KINDS if kind not in _OPTIONAL or kind in wanted]
        return (*kinds, "alpha16") if self.config.alpha16 else tuple(kinds)

    def _arrays(self, samples: Samples, position: int) -> dict[str, npt.NDArray[Any]]:
        config = self.config
        alpha = samples.alpha[position, 0].numpy()
        composited = config.pairs is not None and config.has_layers
        image = samples.composite if composited else samples.image
        assert image is not None, "folders are made for composites that there are"
        arrays: dict[str, npt.NDArray[Any]] = {
            "images": _pixels(image[position].numpy()),
            "alpha": np.round(alpha * 255).astype(np.uint8),
            "masks": (alpha > config.threshold).astype(np.uint8) * 255,
        }
        for kind, name in _OPTIONAL.items() if config.pairs is None else ():
            if (pixels := getattr(samples, name)) is not None:
                arrays[kind] = _pixels(pixels[position].numpy())
        if config.alpha16:
            arrays["alpha16"] = np.round(alpha.astype(np.float64) * 65535).astype(np.uint16)
        return arrays

    def _digest(self, kind: str, index: int) -> str | None:
        path = self.path(kind, index)
        if path.is_file():
            return sha256_of(path)
        if self.shards.has(kind, index):
            return hashlib.sha256(self.shards.read(kind, index)).hexdigest()
        return None

    def _line(self, index: int, digests: dict[str, str]) -> str:
        """A sample's line of metadata, without its end."""
        document = {
            "index": index,
            "seed": self.config.seed,
            "truncation": self.config.truncation,
            "threshold": self.config.threshold,
            "sha256": digests,
        }
        return json.dumps(document)


def _name(index: int) -> str:
    return f"{index:06d}.png"


def _lost(paths: Sequence[Path]) -> BenchError:
    return BenchError(
        f"{len(paths)} files were removed meanwhile, {paths[0]} first. Run again with --resume, "
        "or in another folder."
    )


def _pixels(image: ByteArray) -> ByteArray:
    """``[3, H, W]`` as ``[H, W, 3]``."""
    return np.ascontiguousarray(image.transpose(1, 2, 0))


def _write_png(path: Path, array: npt.NDArray[Any]) -> str:
    """Write a PNG atomically and return its SHA-256; one that a power cut loses is made again."""
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="png")
    content = buffer.getvalue()
    with atomic_path(path, durable=False, make_folder=False) as temporary:
        temporary.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def _rgb(content: bytes) -> ByteArray:
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB"))
