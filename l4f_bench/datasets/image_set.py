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
from l4f_bench.registry import capitalised, code_of_others, load_object, unknown_name

_NEEDED = ("key", "image", "mask", "warnings")

ALL = "all"
"""Every image, whatever its split."""

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
    num_objects: int | None = None
    """Objects that the image shows; None where nobody says."""


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


@runtime_checkable
class WithChoice(Protocol):
    """Images that are one of several choices among those of a data set."""

    @property
    def split(self) -> str:
        """Which of the images these are, as ``first 1000 of test``."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts that are foreground in the true masks; empty for all that there are."""


@runtime_checkable
class WithState(Protocol):
    """Images that know more of their folder than what can be read."""

    def facts(self) -> dict[str, int]:
        """How many there are of what."""

    def faults(self) -> list[str]:
        """Those of the warnings that speak of something wrong."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageRequest:
    """Which images of a data set are wanted, and how their masks are read."""

    spec: DatasetSpec
    data: Path | None = None
    """Where they lie; None where they are drawn."""
    level: int = 128
    """Grey level (8-bit scale) from which a pixel of a true mask is foreground."""
    num_images: int | None = None
    """How many there are of drawn images, or at the most of a split; None for the usual number."""
    seed: int = 0
    """Seed of drawn images."""
    split: str | None = None
    """One of the data set's splits, or :data:`ALL`; None for the usual images."""
    parts: tuple[str, ...] = ()
    """Parts that are foreground; empty for all of the data set's."""

    def __post_init__(self) -> None:
        """Refuse splits and parts that the data set has not.

        Raises:
            InputError: One is unknown, or there are none.
        """
        splits = (*self.spec.splits, ALL) if self.spec.splits else ()
        for option, given, known in (
            ("split", () if self.split is None else (self.split,), splits),
            ("parts", self.parts, self.spec.parts),
        ):
            if given and not known:
                raise InputError(
                    f"{self.spec.title} has no {option} to choose. Leave out --{option}."
                )
            for name in given:
                if name not in known:
                    word = option.removesuffix("s")
                    raise InputError(
                        f"{unknown_name(word, name, list(known))} --{option} takes one."
                    )


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
    what = _described(spec)
    opened = load_object(spec.images, what)
    with code_of_others(what):
        found: ImageSet = opened(request)
    lacking = [name for name in _NEEDED if not callable(getattr(found, name, None))]
    if lacking:
        raise _breaks_contract(spec, f"{type(found).__name__} has no {' nor '.join(lacking)}")
    return found


def listing_of(images: ImageSet) -> Listing:
    """The files by whose names those of other folders pair.

    Raises:
        InputError: The set has no such names.
    """
    listing = getattr(images, "listing", None)
    if not isinstance(listing, Listing):
        raise _breaks_contract(images.spec, "it has no listing, by which predicted masks pair")
    return listing


def read_image(images: ImageSet, index: int) -> npt.NDArray[np.uint8]:
    """Pixels of an image of any set, uint8 ``[3, H, W]`` RGB.

    Raises:
        InputError: The image cannot be read, or the set breaks the contract.
    """
    with code_of_others(_described(images.spec)):
        pixels = images.image(index)
    fits = isinstance(pixels, np.ndarray) and pixels.ndim == 3 and pixels.shape[0] == 3
    if not fits or pixels.dtype != np.uint8:
        found = f"image {index} is {_kind(pixels)}, not uint8 [3, H, W]"
        raise _breaks_contract(images.spec, found)
    return pixels


def read_mask_of(images: ImageSet, index: int) -> TrueMask:
    """The true mask of an image of any set.

    Raises:
        InputError: The mask cannot be read, or the set breaks the contract.
    """
    with code_of_others(_described(images.spec)):
        true = images.mask(index)
    mask = getattr(true, "mask", None)
    if not isinstance(mask, np.ndarray) or mask.ndim != 2 or mask.dtype != np.bool_:
        found = f"mask {index} is {_kind(mask)}, not a TrueMask of bool [H, W]"
        raise _breaks_contract(images.spec, found)
    return true


def _described(spec: DatasetSpec) -> str:
    """What messages call a data set: whose it is, too."""
    return f"the data set '{spec.name}' of {DATASETS.origin(spec.name)}"


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {list(value.shape)}"
    return type(value).__name__


def _breaks_contract(spec: DatasetSpec, found: str) -> InputError:
    return InputError(
        f"{capitalised(_described(spec))} breaks the contract of image sets: {found}."
    )
