"""Real images for training, by number: the shapes world, or a folder or LMDB of images."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.image_sources import ImageSource, open_source
from l4f_bench.datasets.shapes import EDITION, SHAPES, World, shapes_batch
from l4f_bench.errors import InputError
from l4f_bench.seeds import random_numbers
from l4f_bench.training.read_ahead import ReadAhead

ByteArray = npt.NDArray[np.uint8]

MEMORY_BYTES = 2 * 2**30
"""Decoded pixels above which images are read again whenever they are needed."""

_CHUNK = 64
"""Images that one task decodes; a task for each of a million images would cost gigabytes."""
_NUM_TRIED = 100
"""Images of which one must be readable for a large set to be believed to hold images."""


class RealImages(Protocol):
    """An endless sequence of images; number i is the same in every run."""

    @property
    def digest(self) -> str:
        """What the images are, for resumed runs to compare."""

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""


class ShapesImages:
    """The shapes world: every image is a new one."""

    def __init__(self, resolution: int, seed: int, world: World = SHAPES) -> None:
        self._resolution, self._seed, self._world = resolution, seed, world
        self.digest = f"shapes, edition {EDITION} {resolution} {seed}"

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""
        images, _ = shapes_batch(
            indices, resolution=self._resolution, seed=self._seed, world=self._world
        )
        return images


class MemoryImages:
    """Images decoded once and kept in memory, in a new order every epoch.

    Their digest is that of all pixels, in the order of the source.
    """

    def __init__(
        self,
        source: ImageSource,
        resolution: int,
        seed: int,
        *,
        strict: bool,
        warn: Callable[[str], object],
    ) -> None:
        """Read everything; images that cannot be read are left out and counted.

        Raises:
            InputError: No image can be read, or ``strict`` and one cannot.
        """
        images, bad = _read_all(source, resolution)
        if bad and strict:
            raise InputError(
                f"{source.name(bad[0])} cannot be read ({len(bad)} such files). Remove them, or "
                "leave out --strict."
            )
        if len(bad) == len(source):
            raise InputError(_none_readable(source, len(bad)))
        if bad:
            warn(
                f"{len(bad)} of {len(source)} images cannot be read and are skipped, for example "
                f"{source.name(bad[0])}."
            )
            images = np.delete(images, bad, axis=0)
        for message in source.remarks.news():
            warn(message)
        self._images = images
        self._order = Order(len(images), seed)
        self.digest = hashlib.sha256(images.reshape(-1).data).hexdigest()

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""
        return self._images[[self._order[index] for index in indices]]


class StreamedImages:
    """Images decoded by threads when they are needed, the next batch while this one is used.

    An image that cannot be read is replaced by the next of the source that can, or ends the run
    under ``strict``. Their digest is the source's fingerprint: names and sizes of a folder's files,
    the keys and some values of an LMDB. Reading every byte would take hours.
    """

    def __init__(
        self,
        source: ImageSource,
        resolution: int,
        seed: int,
        *,
        strict: bool,
        warn: Callable[[str], object],
        num_threads: int | None = None,
    ) -> None:
        """Read one image only.

        Args:
            source: The images.
            resolution: Side to bring them to.
            seed: Seed of their order.
            strict: Refuse images that cannot be read.
            warn: Told when one cannot be read, and when there are ten times as many.
            num_threads: Threads that decode; None for one a core, up to 8.

        Raises:
            InputError: None of the first images can be read, or ``strict`` and the first cannot.
        """
        self._source, self._resolution = source, resolution
        self._strict, self._warn, self._warn_at = strict, warn, 1
        self._unreadable: dict[int, None] = {}  # in the order of their discovery
        self._order = Order(len(source), seed)
        self._read(0, tries=_NUM_TRIED)
        self.digest = f"streamed {source.fingerprint()}"
        self._ahead = ReadAhead(
            lambda index: self._read(self._order[index], tries=len(self)), num_threads
        )

    def __len__(self) -> int:
        return len(self._source)

    @property
    def num_unreadable(self) -> int:
        """Images found so far that cannot be read."""
        return len(self._unreadable)

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB.

        Raises:
            InputError: ``strict`` and one of them cannot be read.
        """
        if not indices:
            return np.empty((0, 3, self._resolution, self._resolution), np.uint8)
        images = np.stack(self._ahead.read(indices))
        for message in self._source.remarks.news():
            self._warn(message)
        if self.num_unreadable >= self._warn_at:
            self._warn_at = 10 * self.num_unreadable
            first = self._source.name(next(iter(self._unreadable)))
            self._warn(
                f"Images that could not be read so far: {self.num_unreadable}, the first one "
                f"{first}. Each is replaced by the next readable one."
            )
        return images

    def _read(self, number: int, *, tries: int) -> ByteArray:
        for step in range(min(tries, len(self))):
            place = (number + step) % len(self)
            image = (
                None if place in self._unreadable else self._source.read(place, self._resolution)
            )
            if image is not None:
                return image
            if self._strict:
                raise InputError(
                    f"{self._source.name(place)} cannot be read. Remove it, or leave out --strict."
                )
            self._unreadable[place] = None
        raise InputError(_none_readable(self._source, self.num_unreadable))


class Order:
    """Which image of a set comes when: every one once an epoch, in a new order each."""

    def __init__(self, num_images: int, seed: int) -> None:
        self._num_images, self._seed = num_images, seed
        self._epoch: tuple[int, npt.NDArray[np.int64]] | None = None

    def __getitem__(self, index: int) -> int:
        epoch, place = divmod(index, self._num_images)
        known = self._epoch  # once, as threads of several epochs may be here
        if known is None or known[0] != epoch:
            source = random_numbers(seed=self._seed, index=epoch)
            known = self._epoch = (epoch, source.permutation(self._num_images))
        return int(known[1][place])


def open_images(
    folder: Path | None,
    resolution: int,
    seed: int,
    *,
    strict: bool = False,
    warn: Callable[[str], object],
    memory_bytes: int = MEMORY_BYTES,
) -> RealImages:
    """The images of a folder or LMDB, or the shapes world for None.

    They are kept in memory if their pixels fit into ``memory_bytes``, else streamed; the images and
    their order are the same, as long as all can be read.

    Raises:
        MissingAssetError: There is no such folder.
        InputError: It holds no image that can be read, or ``strict`` and one cannot (when
            streaming, found out when its turn comes) or other files might be images; an LMDB is
            damaged or lacks the resolution.
        MissingDependencyError: It is an LMDB, and ``lmdb`` is not installed.
    """
    if folder is None:
        return ShapesImages(resolution, seed)
    source = open_source(folder, resolution)
    if source.passed_over and strict:
        raise InputError(f"{source.passed_over} Remove them, or leave out --strict.")
    if source.passed_over:
        warn(source.passed_over)
    fits = len(source) * 3 * resolution**2 <= memory_bytes
    kind = MemoryImages if fits else StreamedImages
    return kind(source, resolution, seed, strict=strict, warn=warn)


def _read_all(source: ImageSource, resolution: int) -> tuple[ByteArray, list[int]]:
    """All images ``[N, 3, H, W]``, and the numbers of those that cannot be read (undefined)."""
    images = np.empty((len(source), 3, resolution, resolution), np.uint8)

    def read(first: int) -> list[int]:
        bad = []
        for number in range(first, min(first + _CHUNK, len(source))):
            image = source.read(number, resolution)
            if image is None:
                bad.append(number)
            else:
                images[number] = image
        return bad

    with ThreadPoolExecutor() as pool:
        bad = [
            number for found in pool.map(read, range(0, len(source), _CHUNK)) for number in found
        ]
    return images, bad


def _none_readable(source: ImageSource, num_tried: int) -> str:
    return (
        f"None of the {num_tried} images tried can be read, the first is {source.name(0)}. "
        "Give a folder or LMDB of images."
    )
