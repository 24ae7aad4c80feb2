"""Real images for training, by number: the shapes world, or a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from l4f_bench.datasets.shapes import shapes_batch
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.seeds import random_numbers

ByteArray = npt.NDArray[np.uint8]

_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


class RealImages(Protocol):
    """An endless sequence of images; number i is the same in every run."""

    digest: str
    """What the images are, for resumed runs to compare."""

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""


class ShapesImages:
    """The shapes world: every image is a new one."""

    def __init__(self, resolution: int, seed: int) -> None:
        self._resolution, self._seed = resolution, seed
        self.digest = f"shapes {resolution} {seed}"

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""
        return shapes_batch(indices, resolution=self._resolution, seed=self._seed)[0]


class FolderImages:
    """The images of a folder, cropped to squares and resized, in a new order every epoch.

    They are decoded once and kept in memory: at the sizes that this trainer is for, 100,000 images
    of 64 pixels take 1.2 GB.
    """

    def __init__(
        self,
        folder: Path,
        resolution: int,
        seed: int,
        *,
        strict: bool,
        warn: Callable[[str], object],
    ) -> None:
        """Read the folder, its sub-folders included.

        Raises:
            MissingAssetError: There is no such folder.
            InputError: It holds no image that can be read, or ``strict`` and one cannot.
        """
        if not folder.is_dir():
            raise MissingAssetError(f"There is no folder {folder}. Give --data a folder of images.")
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
        with ThreadPoolExecutor() as pool:
            found = list(pool.map(lambda path: _read(path, resolution), paths))
        bad = [path for path, image in zip(paths, found, strict=True) if image is None]
        images = [image for image in found if image is not None]
        if bad and strict:
            raise InputError(f"{bad[0]} cannot be read ({len(bad)} such files). Remove them.")
        if not images:
            raise InputError(f"{folder} holds no image that can be read ({len(bad)} unreadable).")
        if bad:
            warn(f"{len(bad)} of {len(paths)} images cannot be read, such as {bad[0]}; skipped.")
        self._images = np.stack(images)
        self._seed = seed
        self._order: tuple[int, npt.NDArray[np.int64]] | None = None
        self.digest = hashlib.sha256(self._images.tobytes()).hexdigest()

    def __len__(self) -> int:
        return len(self._images)

    def batch(self, indices: Sequence[int]) -> ByteArray:
        """Images, uint8 ``[N, 3, H, W]`` RGB."""
        return self._images[[self._position(index) for index in indices]]

    def _position(self, index: int) -> int:
        epoch, place = divmod(index, len(self._images))
        if self._order is None or self._order[0] != epoch:
            source = random_numbers(seed=self._seed, index=epoch)
            self._order = (epoch, source.permutation(len(self._images)))
        return int(self._order[1][place])


def open_images(
    folder: Path | None,
    resolution: int,
    seed: int,
    *,
    strict: bool = False,
    warn: Callable[[str], object],
) -> RealImages:
    """The images of ``folder``, or the shapes world for None.

    Raises:
        MissingAssetError: There is no such folder.
        InputError: It holds no image that can be read, or ``strict`` and one cannot.
    """
    if folder is None:
        return ShapesImages(resolution, seed)
    return FolderImages(folder, resolution, seed, strict=strict, warn=warn)


def _read(path: Path, resolution: int) -> ByteArray | None:
    """The middle square of an image as ``[3, resolution, resolution]``; None if unreadable."""
    try:
        with Image.open(path) as file:
            image = file.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError, ValueError):
        return None
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.resize(
        (resolution, resolution),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
    )
    return np.asarray(square).transpose(2, 0, 1)
