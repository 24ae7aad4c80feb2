"""What state the images of a data set are in: everything is read once, and nothing is scored."""

from __future__ import annotations

import hashlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from l4f_bench.datasets.image_set import (
    ALL,
    ImageRequest,
    ImageSet,
    WithState,
    open_images,
    read_image,
    read_mask_of,
)
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.errors import InputError
from l4f_bench.progress import Advance, Progress

_BATCH = 64  # images on their way at a time, so that memory does not grow with their number
_NUM_NAMED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Examination:
    """The state of a data set's folder."""

    dataset: str
    title: str
    facts: dict[str, str]
    """What was found: numbers, and the images' sizes."""
    faults: list[str]
    """What is wrong, a sentence each."""
    notes: list[str]
    """What else there is to say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Look:
    """What reading one image tells."""

    key: str
    fault: str | None = None
    size: str | None = None
    """Width and height, as ``1024x1024``."""
    digest: bytes = b""
    """Of the pixels."""
    is_left_out: bool = False
    """Whether its mask is not fit to be scored."""


@dataclass(slots=True)
class _Seen:
    """What the images tell together; it takes a few bytes for each."""

    sizes: Counter[str] = field(default_factory=Counter)
    first_of_size: dict[str, str] = field(default_factory=dict)
    first_of_digest: dict[bytes, str] = field(default_factory=dict)
    twins: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    num_left_out: int = 0

    def add(self, look: _Look) -> None:
        """Take in the next image."""
        self.num_left_out += look.is_left_out
        if look.fault is not None:
            self.faults.append(look.fault)
        if look.size is None:
            return
        self.sizes[look.size] += 1
        self.first_of_size.setdefault(look.size, look.key)
        twin = self.first_of_digest.setdefault(look.digest, look.key)
        if twin != look.key:
            self.twins.append(f"{twin} and {look.key}")

    def facts(self) -> dict[str, str]:
        """What there is to print."""
        shown = [
            f"{size} ({number}, {self.first_of_size[size]} first)"
            for size, number in self.sizes.most_common(_NUM_NAMED)
        ]
        more = [f"and {len(self.sizes) - len(shown)} more"] if len(self.sizes) > len(shown) else []
        return {
            "images read": str(self.sizes.total()),
            "sizes": ", ".join([*shown, *more]) or "none",
            "images left out of scores": str(self.num_left_out),
        }


def examine(
    spec: DatasetSpec, data: Path | None, progress: Progress, *, quick: bool = False
) -> Examination:
    """Open all images of a data set, and read them with their masks.

    Args:
        spec: The data set.
        data: Its folder; None for one that is drawn.
        progress: Takes the number of images, and returns what to call with each number done.
        quick: Look at the names of the files alone.

    Raises:
        InputError: The data set has no images here, or its folder cannot be used at all.
        MissingAssetError: The folder was not given.
    """
    images = open_images(ImageRequest(spec=spec, data=data, split=ALL if spec.splits else None))
    seen = _Seen()
    if not quick:
        _look_at_all(images, seen, progress(len(images)))
    known = images if isinstance(images, WithState) else None
    own_faults = [] if known is None else known.faults()
    facts = {} if known is None else {name: str(n) for name, n in known.facts().items()}
    twins = _named(seen.twins, "pairs of images have the same pixels")
    return Examination(
        dataset=spec.name,
        title=spec.title,
        facts={"images": str(len(images)), **facts, **({} if quick else seen.facts())},
        faults=[*own_faults, *seen.faults],
        notes=[*(said for said in images.warnings() if said not in own_faults), *twins],
    )


def _look_at_all(images: ImageSet, seen: _Seen, advance: Advance) -> None:
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(images), _BATCH):
            batch = range(start, min(start + _BATCH, len(images)))
            for look in pool.map(partial(_looked_at, images), batch):
                seen.add(look)
            advance(len(batch))


def _looked_at(images: ImageSet, index: int) -> _Look:
    key = images.key(index)
    try:
        pixels = read_image(images, index)
        mask = read_mask_of(images, index) if images.truth is not None else None
    except InputError as error:
        return _Look(key=key, fault=str(error))
    height, width = pixels.shape[1:]
    fault = None
    if mask is not None and mask.mask.shape != (height, width):
        other = "x".join(map(str, mask.mask.shape[::-1]))
        fault = f"{key} is {width}x{height} pixels and its mask {other}."
    return _Look(
        key=key,
        fault=fault,
        size=f"{width}x{height}",
        digest=hashlib.blake2b(pixels.tobytes(), digest_size=16).digest(),
        is_left_out=mask is not None and mask.reason is not None,
    )


def _named(names: list[str], what: str) -> list[str]:
    """A sentence that counts, and names the first; nothing without any."""
    more = ", …" if len(names) > _NUM_NAMED else ""
    return [f"{len(names)} {what} ({', '.join(names[:_NUM_NAMED])}{more})."] if names else []
