"""Which levels masks use, and what is said where they do not mean what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from l4f_bench.datasets.levels import HIGHEST
from l4f_bench.datasets.mask_files import ByteArray, Mask
from l4f_bench.datasets.remarks import Remark, Remarks

OTHER_LEVELS = (64, 192)
"""Levels at which soft masks are cut as well, to tell how much hangs on it."""

_NUM_NAMED = 6
"""Levels that are written out; more are soft edges or noise."""


@dataclass(frozen=True, slots=True)
class MaskUse:
    """How a mask file uses its levels."""

    name: str
    levels: bytes
    """Those that are there and count, 0 to 255 in ascending order."""
    remarks: tuple[Remark, ...] = ()
    """What there is to say about the file."""

    @property
    def is_soft(self) -> bool:
        """Whether there are more than two levels, so that where they are cut matters."""
        return len(self.levels) > 2

    @property
    def is_grey(self) -> bool:
        """Whether there are levels beside black and white."""
        return any(0 < level < HIGHEST for level in self.levels)

    def shown(self) -> str:
        """The name with the levels."""
        numbers = [str(level) for level in self.levels]
        if len(numbers) > _NUM_NAMED:
            return f"{self.name}: {len(numbers)} levels from {numbers[0]} to {numbers[-1]}"
        last = f" and {numbers[-1]}" if len(numbers) > 1 else numbers[-1]
        plural = "levels" if len(numbers) > 1 else "level"
        return f"{self.name}: {plural} {', '.join(numbers[:-1])}{last}"


@dataclass(frozen=True, slots=True)
class MaskFile:
    """What a mask was read from."""

    levels: ByteArray
    """uint8 ``[H, W]``, after any inversion."""
    use: MaskUse
    """How the file uses them, as they stand in it."""


def use_of(name: str, mask: Mask, ignored: int | None = None) -> MaskUse:
    """The levels of a mask but for an ``ignored`` one; cheap where they are 0 and 255 alone."""
    levels = _used(mask.levels)
    if ignored is not None:
        levels = levels.replace(bytes([ignored]), b"")
    return MaskUse(name, levels, mask.remarks)


def _used(levels: ByteArray) -> bytes:
    # 0 and 255 become 255 and 254 by wrapping, so everything below 254 is in between.
    if np.count_nonzero((levels - np.uint8(1)) < HIGHEST - 1):
        return bytes(np.flatnonzero(np.bincount(levels.ravel())).astype(np.uint8))
    return bytes(sorted({int(levels.min()), int(levels.max())}))


def mask_warnings(
    uses: Sequence[MaskUse], what: str, level: int, *, invert: bool = False
) -> list[str]:
    """What is to be said of masks before their scores are believed.

    Args:
        uses: The masks of one side.
        what: What they are called, as ``predicted``.
        level: Level from which a pixel is foreground.
        invert: Levels are turned round first.
    """
    what = f"of {len(uses)} {what} masks"
    remarks = Remarks(what)
    empty, full, num_blank = [], [], 0
    for use in uses:
        remarks.add(use.remarks, use.name)
        counted = [HIGHEST - value if invert else value for value in use.levels]
        num_blank += counted == [0]
        if counted and max(counted) < level and counted != [0]:
            empty.append(use)
        if counted and min(counted) >= level:
            full.append(use)
    found = remarks.news()
    turned = ", once inverted," if invert else ""
    if 2 * num_blank > len(uses):
        colour = "white" if invert else "black"
        found.append(f"{num_blank} {what} are {colour} all over{turned} and count as empty.")
    if empty:
        found.append(
            f"{len(empty)} {what}{turned} have no pixel from level {level} up and count as empty "
            f"({empty[0].shown()}). Is --level right?"
        )
    if full:
        found.append(
            f"{len(full)} {what}{turned} have no pixel below level {level} and count as full "
            f"({full[0].shown()}). Is --level right?"
        )
    return found


def soft_warning(
    uses: Sequence[MaskUse], what: str, level: int, moved: Sequence[float | None]
) -> str | None:
    """What is to be said of masks with more than two levels; None without any.

    Args:
        uses: The masks of one side.
        what: What they are called, as ``predicted``.
        level: Level at which they are cut.
        moved: mIoU if they are cut at each of ``OTHER_LEVELS``.
    """
    soft = [use for use in uses if use.is_soft]
    if not soft:
        return None
    plainest = min(soft, key=lambda use: len(use.levels))
    named = f" ({plainest.shown()})" if len(plainest.levels) <= _NUM_NAMED else ""
    scores = " to ".join(
        f"{'undefined' if score is None else format(score, '.4f')} at level {other}"
        for score, other in zip(moved, OTHER_LEVELS, strict=True)
    )
    advice = " If a level does not count (a rim), give it by --ignore-level." if named else ""
    return (
        f"{len(soft)} of {len(uses)} {what} masks have more than two grey levels{named} and are "
        f"cut at level {level}; mIoU moves from {scores}.{advice if what == 'true' else ''}"
    )
