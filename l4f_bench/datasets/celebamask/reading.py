"""The parts of an image from their files, and what they give together.

Images are 1024 pixels wide and parts 512. Masks and label maps come to the image's size by the
nearest pixel, so that at twice the size every pixel of a part becomes four, and the union of all
parts is where the label map is not 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.celebamask.contents import Contents
from l4f_bench.datasets.celebamask.faults import Fault, Tally
from l4f_bench.datasets.celebamask.parts import PARTS
from l4f_bench.datasets.decoding import UnreadableError
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.mask_levels import use_of
from l4f_bench.datasets.remarks import Remarks

_PER_PART = 2  # the side of an image by that of its parts, as published

Levels = npt.NDArray[np.uint8]
Masks = dict[str, npt.NDArray[np.bool_]]


class PartReader:
    """Reads parts, and counts what is wrong with their files. Threads may share it."""

    def __init__(self, contents: Contents, level: int) -> None:
        """Read parts of ``contents``, whose pixels are marked from grey level ``level`` on."""
        self._contents, self._level = contents, level
        self.tally, self.remarks = Tally(), Remarks("part files")

    def read(
        self, number: int, size: tuple[int, int], parts: Sequence[str]
    ) -> tuple[Masks, Fault | None]:
        """Some parts of an image.

        Args:
            number: Id of the image.
            size: Its width and height.
            parts: Names of parts that have files.

        Returns:
            bool ``[H, W]`` by the part's name, at the size of the files; and why the image must be
            left out, None if it need not.
        """
        spoiled = self._contents.spoiled.get(number)
        if spoiled is not None:
            return {}, spoiled
        levels = {part: self._levels(number, part) for part in parts}
        sound = {part: found for part, found in levels.items() if found is not None}
        if len(sound) < len(parts):
            return {}, Fault.DAMAGED
        odd = _odd(sound, size)
        if odd:
            self._count(Fault.OTHER_SIZE, number, odd)
            return {}, Fault.OTHER_SIZE
        masks = {part: found >= self._level for part, found in sound.items()}
        return masks, self._judged(number, size, masks)

    def _levels(self, number: int, part: str) -> Levels | None:
        """Grey levels of a part file; None if it cannot be read."""
        try:
            found = read_mask(self._contents.part_path(number, part))
        except UnreadableError:
            self._count(Fault.DAMAGED, number, [part])
            return None
        name = self._contents.part_name(number, part)
        self.remarks.add(found.remarks, name)
        if found.mode != "RGB":
            self._count(Fault.NOT_RGB, number, [part])
        if use_of(name, found).is_grey:
            self._count(Fault.SOFT, number, [part])
        return found.levels

    def _judged(self, number: int, size: tuple[int, int], masks: Masks) -> Fault | None:
        """What parts say that can be read: why the image is left out, if it is."""
        blank = [part for part, mask in masks.items() if not mask.any()]
        if blank and len(blank) == len(self._contents.parts_of(number)):
            self.tally.add(Fault.BLANK, [self._contents.images[number]])
            return Fault.BLANK
        self._count(Fault.BLANK_PART, number, blank)
        shapes = {mask.shape for mask in masks.values()}
        if shapes and shapes != {(size[1] / _PER_PART, size[0] / _PER_PART)}:
            self.tally.add(Fault.OTHER_SCALE, [self._contents.images[number]])
        return None

    def _count(self, fault: Fault, number: int, parts: Sequence[str]) -> None:
        self.tally.add(fault, [self._contents.part_name(number, part) for part in parts])


def painted(masks: Mapping[str, npt.NDArray[np.bool_]]) -> Levels:
    """The label map of some parts, in the order of the public face-parsing network.

    Args:
        masks: bool ``[H, W]`` by the part's name, at least one.

    Returns:
        uint8 ``[H, W]``: 0 background, else the place in ``PARTS`` from 1 on; where parts overlap,
        the later one there.
    """
    labels = np.zeros(next(iter(masks.values())).shape, np.uint8)
    for label, part in enumerate(PARTS, start=1):
        if part in masks:
            labels[masks[part]] = label
    return labels


def resized(labels: Levels, size: tuple[int, int]) -> Levels:
    """Labels at a width and height, by the nearest pixel."""
    return np.asarray(Image.fromarray(labels).resize(size, Image.Resampling.NEAREST))


def _odd(levels: Mapping[str, Levels], size: tuple[int, int]) -> list[str]:
    """Parts that differ in size from most of the image's, or in shape from the image."""
    if not levels:
        return []
    (usual, _), *_ = Counter(found.shape for found in levels.values()).most_common(1)
    fits = usual[0] * size[0] == usual[1] * size[1]
    return [part for part, found in levels.items() if not fits or found.shape != usual]
