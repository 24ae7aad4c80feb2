"""What images that are evaluated must offer, and how the sets of that kind are opened by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.mask_levels import MaskFile
from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.errors import InputError
from l4f_bench.registry import load_object

Truth = Literal["exact", "human"]
"""Whose masks images come with: those they were drawn from, or a person's."""


@dataclass(frozen=True, slots=True)
class TrueMask:
    """What counts as true for one image."""

    mask: npt.NDArray[np.bool_]
    """``[H, W]``, True = foreground."""
    file: MaskFile | None = None
    """What it was read from; None where there is no file."""
    counted: npt.NDArray[np.bool_] | None = None
    """Pixels ``[H, W]`` that count; None for all."""
    reason: str | None = None
    """Why the image is not fit to be scored; None if it is."""


class ImageSet(Protocol):
    """Images by index, always in the same order; sizes may differ. Safe to read from threads."""

    @property
    def spec(self) -> DatasetSpec:
        """Title, source and licence."""

    @property
    def truth(self) -> Truth | None:
        """Whose masks they come with; None where they have none."""

    @property
    def digest(self) -> str:
        """What fixes the images and masks: SHA-256 of the files, or a seed."""

    @property
    def listing(self) -> Listing:
        """Files by whose names those of other folders pair, in the order of the images."""

    def __len__(self) -> int: ...

    def key(self, index: int) -> str:
        """Name of an image, to be printed."""

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Pixels, uint8 ``[3, H, W]`` RGB.

        Raises:
            InputError: The file cannot be read.
        """

    def mask(self, index: int) -> TrueMask:
        """The true mask, where :attr:`truth` says that there are some.

        Raises:
            InputError: The file cannot be read.
        """

    def warnings(self) -> list[str]:
        """What there is to say of the files that were read so far, in all processes."""


@runtime_checkable
class WithPublishedMasks(Protocol):
    """Images that come with masks of ours, as published."""

    @property
    def published(self) -> Path:
        """Their folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """Which images of a data set are wanted, and how their masks are read."""

    spec: DatasetSpec
    data: Path | None = None
    """Where they lie; None where they are drawn."""
    level: int = 128
    """Grey level (8-bit scale) from which a pixel of a true mask is foreground."""
    num_images: int | None = None
    """How many there are of drawn images; None for the usual number."""
    seed: int = 0
    """Seed of drawn images."""


def open_images(request: ImageRequest) -> ImageSet:
    """The images of a data set.

    Raises:
        InputError: The data set has no images here, or a file or folder cannot be used.
        MissingAssetError: They were not given; the message says how to get them.
    """
    spec = request.spec
    if spec.images is None:
        known = ", ".join(entry.name for entry in DATASETS if entry.images)
        raise InputError(f"{spec.title} has no images here. Data sets that have some: {known}.")
    if spec.drawn and request.data is not None:
        raise InputError(f"The images of {spec.title} are drawn. Leave out --data.")
    found: ImageSet = load_object(spec.images, f"the images of {spec.title}")(request)
    return found
