"""The shapes world as images to evaluate on: those that no training saw."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.image_set import ImageRequest, TrueMask, Truth
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.shapes import EDITION, HELD_OUT, count_objects, shapes_batch
from l4f_bench.datasets.specs import DatasetSpec

NUM_IMAGES = 1000
"""Images by default."""
_BLOCK, _KEPT = 16, 32  # drawn together, ten times as fast as alone; blocks that are kept


class ShapesImages:
    """Images 0 to n - 1 of a held-out shapes world, with their exact masks."""

    truth: Truth = "exact"

    def __init__(self, spec: DatasetSpec, *, num_images: int, seed: int) -> None:
        """Draw the held-out world of ``seed``."""
        assert spec.resolution is not None, "a world is drawn at one size"
        self.spec, self._resolution = spec, spec.resolution
        self._num_images, self._seed = num_images, seed
        self._block = lru_cache(_KEPT)(self._drawn)

    @property
    def digest(self) -> str:
        """What fixes the images."""
        return (
            f"{self.spec.name}, edition {EDITION}, of {self._resolution} pixels, seed {self._seed}"
        )

    @property
    def listing(self) -> Listing:
        """Files as they would be called, had the images some."""
        folder = Path(self.spec.name)
        return Listing(folder, [folder / f"{self.key(index)}.png" for index in range(len(self))])

    def __len__(self) -> int:
        return self._num_images

    def key(self, index: int) -> str:
        """Number of the image."""
        return f"{index:06d}"

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Pixels, uint8 ``[3, H, W]`` RGB."""
        return self._draw(index)[0]

    def mask(self, index: int) -> TrueMask:
        """The exact mask."""
        (number,) = count_objects([index], seed=HELD_OUT + self._seed)
        return TrueMask(self._draw(index)[1], num_objects=number)

    def warnings(self) -> list[str]:
        """Nothing: no file was read."""
        return []

    def _draw(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        images, masks = self._block(index // _BLOCK)
        return images[index % _BLOCK], masks[index % _BLOCK]

    def _drawn(self, block: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
        """Images of a block with their masks."""
        indices = range(block * _BLOCK, (block + 1) * _BLOCK)
        return shapes_batch(indices, resolution=self._resolution, seed=HELD_OUT + self._seed)


def open_shapes(request: ImageRequest) -> ShapesImages:
    """The images that a request asks for."""
    num_images = NUM_IMAGES if request.num_images is None else request.num_images
    return ShapesImages(request.spec, num_images=num_images, seed=request.seed)
