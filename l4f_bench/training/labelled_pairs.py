"""Images with classes from a folder of pairs, as ``synthesize`` writes it or anybody else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image

from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.specs import unlisted
from l4f_bench.distributed import gathered, shard
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.training.images import Order
from l4f_bench.training.labelled import HELD_OUT, ByteArray
from l4f_bench.training.read_ahead import ReadAhead

IMAGES, MASKS = "images", "masks"
"""Sub-folders of a folder of pairs."""
_HALF = 128  # grey level from which a pixel of a mask is foreground

Pair = tuple[ByteArray, ByteArray]
"""An image ``[3, H, W]`` RGB and the class of every pixel ``[H, W]``."""


class LabelledPairs:
    """Pairs of files, in a new order every epoch; a share of them is held out.

    Each is cut to its middle square and brought to one size, the image by Lanczos, the mask by
    the class that covers most of a pixel. All are read once before the first step, so that a
    damaged file is refused before hours of work; the digest is that of their pixels.
    """

    classes: tuple[str, ...] = ("background", "object")

    def __init__(
        self,
        folder: Path,
        resolution: int,
        seed: int,
        *,
        validation: float,
        warn: Callable[[str], object],
    ) -> None:
        """List, pair and check the files; processes share the checking.

        Args:
            folder: With ``images`` and ``masks``, whose files pair by name.
            resolution: Side to bring them to.
            seed: Seed of their order, and of which are held out.
            validation: Share of them that is held out, in [0, 1]. Above 0 that is one at least,
                and one at least is left to learn from.
            warn: Given one-line warnings.

        Raises:
            MissingAssetError: There is no such folder.
            InputError: It holds no pairs, files are left without partner, a file cannot be read,
                or an image and its mask have different sizes.
        """
        self._files, self._resolution = _opened(folder), resolution
        self.digest = f"pairs {self._digest()} held out {validation} {seed}"
        for message in self._files.warnings():
            warn(message)
        num_pairs = len(self._files)
        num_held = round(validation * num_pairs) or int(validation > 0)
        num_held = min(num_held, num_pairs - 1)
        shuffled = [Order(num_pairs, seed)[place] for place in range(num_pairs)]
        self._held, self._learnt = shuffled[:num_held], sorted(shuffled[num_held:])
        self._order = Order(len(self._learnt), seed)
        self.held_out = range(HELD_OUT, HELD_OUT + num_held)
        self._ahead = ReadAhead(lambda index: self._read(self._number(index)))

    def batch(self, indices: Sequence[int]) -> tuple[ByteArray, ByteArray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``.

        Raises:
            InputError: A file is gone or damaged by now.
        """
        images, classes = zip(*self._ahead.read(indices), strict=True)
        return np.stack(images), np.stack(classes)

    def _number(self, index: int) -> int:
        """Which pair an index stands for."""
        if index >= HELD_OUT:  # reading ahead goes beyond the last
            return self._held[(index - HELD_OUT) % len(self._held)]
        return self._learnt[self._order[index]]

    def _read(self, number: int) -> Pair:
        image, mask = self._files.image(number), self._files.mask(number).mask
        if image.shape[1:] != mask.shape:
            sizes = (f"{width} x {height}" for height, width in (image.shape[1:], mask.shape))
            raise InputError(
                "{} has an image of {} pixels and a mask of {}. Make them one size, or remove "
                "them.".format(self._files.key(number), *sizes)
            )
        levels = (mask * np.uint8(255)).astype(np.uint8)
        square = partial(_middle, resolution=self._resolution)
        pixels = square(image.transpose(1, 2, 0), Image.Resampling.LANCZOS).transpose(2, 0, 1)
        return pixels, (square(levels, Image.Resampling.BOX) >= _HALF).astype(np.uint8)

    def _digest(self) -> str:
        """SHA-256 of all pairs; reads each, in one of the processes."""

        def told(number: int) -> tuple[int, str]:
            digest = hashlib.sha256()
            for array in self._read(number):
                digest.update(array.tobytes())
            return number, digest.hexdigest()

        with ThreadPoolExecutor() as pool:
            own = list(pool.map(told, shard(range(len(self._files)))))
        digests = dict(chain(*gathered(own)))
        whole = "".join(digests[number] for number in range(len(self._files)))
        return hashlib.sha256(whole.encode()).hexdigest()


def _opened(folder: Path) -> FolderImages:
    if not folder.is_dir():
        raise MissingAssetError(
            f"There is no folder {folder}. Give --pairs what `l4f-bench synthesize` wrote."
        )
    for name in (IMAGES, MASKS):
        if not (folder / name).is_dir():
            raise InputError(
                f"{folder} holds no pairs: there is no folder {folder / name}. Make pairs by "
                "`l4f-bench synthesize` with --format folder or coco."
            )
    return FolderImages(
        unlisted(folder.name), folder / MASKS, folder / IMAGES, named_by_images=True
    )


def _middle(array: ByteArray, method: Image.Resampling, *, resolution: int) -> ByteArray:
    """The middle square of ``[H, W]`` or ``[H, W, 3]`` at another size."""
    image = Image.fromarray(np.ascontiguousarray(array))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.resize((resolution, resolution), method, box=box))
