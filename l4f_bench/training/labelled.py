"""Images with classes for training, by number: exact ones, or a method's own samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.shapes import EDITION, SHAPES, World, shapes_batch
from l4f_bench.methods.contracts import GenerativeMethod
from l4f_bench.seeds import TRAINING

ByteArray = npt.NDArray[np.uint8]


HELD_OUT = 1 << 60
"""Number from which on images are held out; no step gets so far."""
_NUM_HELD_OUT = 64


class LabelledImages(Protocol):
    """An endless sequence of images with their classes; number i is the same in every run."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, background first."""

    @property
    def digest(self) -> str:
        """What the images are, for resumed runs to compare."""

    @property
    def held_out(self) -> range:
        """Numbers of images that none of those from 0 on shows, to choose the best weights by."""

    def batch(self, indices: Sequence[int]) -> tuple[ByteArray, ByteArray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``."""


class LabelledShapes:
    """The shapes world with its exact masks."""

    classes: tuple[str, ...] = ("background", "object")
    held_out = range(HELD_OUT, HELD_OUT + _NUM_HELD_OUT)

    def __init__(self, resolution: int, seed: int, world: World = SHAPES) -> None:
        self._resolution, self._seed, self._world = resolution, seed, world
        self.digest = f"shapes, edition {EDITION} with masks {resolution} {seed}"

    def batch(self, indices: Sequence[int]) -> tuple[ByteArray, ByteArray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``."""
        images, masks = shapes_batch(
            indices, resolution=self._resolution, seed=self._seed, world=self._world
        )
        return images, masks.astype(np.uint8)


class LabelledSamples:
    """A generative method's samples with the masks that it gives them: no label is needed."""

    classes: tuple[str, ...] = ("background", "object")
    held_out = range(HELD_OUT, HELD_OUT + _NUM_HELD_OUT)

    def __init__(
        self, method: GenerativeMethod, *, threshold: float, seed: int, digest: str
    ) -> None:
        """Draw from ``method``, without truncation.

        Args:
            method: Makes images with alpha.
            threshold: Alpha above which a pixel is foreground.
            seed: Seed of the samples.
            digest: What the method is.
        """
        self._method, self._threshold, self._seed = method, threshold, seed
        self.digest = f"samples of {digest} above {threshold} {seed}"

    def batch(self, indices: Sequence[int]) -> tuple[ByteArray, ByteArray]:
        """Images ``[N, 3, H, W]`` RGB, and the class of every pixel ``[N, H, W]``."""
        samples = self._method.sample(indices, truncation=1.0, seed=TRAINING + self._seed)
        masks = samples.alpha[:, 0] > self._threshold
        return samples.image.numpy(), masks.numpy().astype(np.uint8)
