"""Images with predictions of any origin beside true masks of any origin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from l4f_bench.cores import Cores
from l4f_bench.datasets.bars import Bars
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_set import (
    ImageSet,
    TrueMask,
    listing_of,
    read_image,
    read_mask_of,
)
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.mask_levels import MaskFile, use_of
from l4f_bench.datasets.pairs import list_images, pair_files
from l4f_bench.errors import InputError
from l4f_bench.escapes import printable
from l4f_bench.evaluation.counting import Pair
from l4f_bench.evaluation.mask_notes import Reading, note_of
from l4f_bench.provenance import sha256_of_files

if TYPE_CHECKING:
    from torch import Tensor

    from l4f_bench.annotators.contracts import Annotator
    from l4f_bench.methods.contracts import ImageMethod

Pixels = npt.NDArray[np.uint8]
Images = list[Pixels] | None
"""Pixels ``[3, H, W]`` of a batch, where anybody needs them."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted mask."""

    mask: npt.NDArray[np.bool_]
    """``[H, W]``."""
    levels: npt.NDArray[np.uint8] | None
    """The same as grey levels ``[H, W]``, where every threshold is to be counted."""
    name: str | None = None
    """Name of its file below its folder, where there is one."""
    file: MaskFile | None = None


Predictor = Callable[[Sequence[int], Images], list[Prediction]]
TruthSource = Callable[[Sequence[int], Images], list[TrueMask]]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageScene:
    """What is scored against what on a set of images."""

    images: ImageSet
    predictor: Predictor
    truth_of: TruthSource
    needs_pixels: bool
    """Whether predictor or truth look at the images themselves."""
    subset: Literal["all", "accepted", "rejected"] = "all"
    """Which images take part."""
    bars: Callable[[int], Bars] | None = None
    """Rows of an image that are letterbox bars, where these are left out as well."""
    cores: Cores
    """Workers, in whose turn predictor and truth call networks."""

    def pairs(self, indices: Sequence[int]) -> list[Pair]:
        """Predictions with their true masks; the images are read if need be."""
        pixels = None
        if self.needs_pixels:
            pixels = self.cores.read(partial(read_image, self.images), indices)
        predictions, truths = self.predictor(indices, pixels), self.truth_of(indices, pixels)
        nothing: list[Pixels | None] = [None] * len(indices)
        return [
            self._pair(index, prediction, true, image)
            for index, prediction, true, image in zip(
                indices, predictions, truths, pixels or nothing, strict=True
            )
            if self.subset == "all" or (true.reason is None) == (self.subset == "accepted")
        ]

    def pixels(self, pair: Pair) -> Pixels | None:
        """The image of a pair; None where only masks are at hand."""
        if pair.image is not None:
            return pair.image
        try:
            return self.images.image(pair.index)
        except InputError:
            return None

    def name(self, pair: Pair) -> str:
        """What a caption calls an image."""
        return str(pair.key)

    def _pair(
        self, index: int, prediction: Prediction, true: TrueMask, pixels: Pixels | None
    ) -> Pair:
        key, shapes = self.images.key(index), (prediction.mask.shape, true.mask.shape)
        if shapes[0] != shapes[1]:
            sizes = [f"{width}x{height}" for height, width in shapes]
            raise InputError(
                f"{prediction.name or key} is {sizes[0]} pixels and its true mask {key} "
                f"{sizes[1]}. Resize one to the other."
            )
        bars = None if self.bars is None else self._bars(index, len(true.mask))
        shown = true.counted
        if bars is not None:
            rows = np.broadcast_to(~bars[:, None], true.mask.shape)
            shown = rows if shown is None else rows & shown
        return Pair(
            index=index,
            key=key,
            preds=prediction.mask,
            target=true.mask,
            levels=prediction.levels,
            bars=bars,
            reason=true.reason if self.subset == "all" else None,
            preds_name=prediction.name,
            counted=true.counted,
            num_objects=true.num_objects,
            note=note_of(
                (prediction.mask, prediction.file),
                (true.mask, true.file),
                shown,
                is_black=bars is not None and bool(bars.all()),
            ),
            image=pixels,
        )

    def _bars(self, index: int, height: int) -> npt.NDArray[np.bool_]:
        assert self.bars is not None
        rows = self.bars(index).rows
        if len(rows) != height:
            raise InputError(
                f"The image of {self.images.key(index)} is {len(rows)} pixels high and its mask "
                f"{height}. Give the images at the size of the masks."
            )
        return rows


class MaskFiles:
    """Predictions that lie in a folder of mask files."""

    def __init__(self, folder: Path, images: ImageSet) -> None:
        """Pair the files of ``folder`` with ``images``.

        Raises:
            InputError: The folder is missing or empty, or files are left unpaired.
        """
        self._listing = list_images(folder)
        listing = listing_of(images)
        found = pair_files(listing, self._listing)
        of_image = dict(found.matched)
        self.paths = [of_image[path] for path in listing.paths]
        self._depth = Depth(len(self.paths), self.paths.__getitem__)
        self._said = [self._listing.passed_over] if self._listing.passed_over else []
        if found.by_order:
            name, path = found.matched[0]
            self._said.append(
                "File names differ, so files are paired by natural order "
                f"({self._name(path)} with {printable(name.name)}, and so on)."
            )

    def warnings(self) -> list[str]:
        """What there is to say of the folder."""
        return self._said

    def digests(self, most: int) -> dict[str, str]:
        """What the first files are."""
        return {"preds": sha256_of_files(self.paths[:most])}

    def predictor(self, reading: Reading, cores: Cores, *, with_levels: bool) -> Predictor:
        """Reads the masks of a batch.

        Args:
            reading: How levels become masks.
            cores: Whose readers they are read by.
            with_levels: Keep the grey levels, for F-measures.
        """

        def read(index: int) -> Prediction:
            path = self.paths[index]
            name, found = self._name(path), read_mask(path, self._depth)
            levels = ~found.levels if reading.invert else found.levels
            file = MaskFile(levels, use_of(name, found))
            return Prediction(levels >= reading.level, levels if with_levels else None, name, file)

        return lambda indices, _: cores.read(read, indices)

    def _name(self, path: Path) -> str:
        return printable(self._listing.name(path))


def segmented(
    method: ImageMethod, cores: Cores, *, threshold: float, with_levels: bool
) -> Predictor:
    """Predictions of a method, which gets images of one size together.

    Args:
        method: Gives alpha.
        cores: In whose turn it does.
        threshold: Alpha above which a pixel is foreground.
        with_levels: Keep the grey levels, for F-measures.
    """

    def predict(_: Sequence[int], images: Images) -> list[Prediction]:
        from l4f_bench.metrics.thresholds import threshold_steps

        found: list[Prediction] = []
        for stack in _of_one_size(images or []):
            with cores.turn():
                alpha = method.segment(stack)[:, 0]
            steps = threshold_steps(alpha).numpy().astype(np.uint8) if with_levels else None
            found += [
                Prediction(mask, None if steps is None else steps[row])
                for row, mask in enumerate((alpha > threshold).numpy())
            ]
        return found

    return predict


def own_masks(images: ImageSet, cores: Cores) -> TruthSource:
    """The masks that the images come with."""
    return lambda indices, _: cores.read(partial(read_mask_of, images), indices)


def annotated(annotator: Annotator, cores: Cores) -> TruthSource:
    """An annotator's masks, in its turn of ``cores``; it may reject images."""

    def truths(_: Sequence[int], images: Images) -> list[TrueMask]:
        found: list[TrueMask] = []
        for stack in _of_one_size(images or []):
            with cores.turn():
                annotation = annotator.annotate(stack)
            masks = annotation.mask.cpu().numpy()
            found += [
                TrueMask(mask, reason=reason)
                for mask, reason in zip(masks, annotation.reason, strict=True)
            ]
        return found

    return truths


def accepted_by(annotator: Annotator, cores: Cores, source: TruthSource) -> TruthSource:
    """The masks of another source, with the reasons for which an annotator rejects images."""
    reasons_of = annotated(annotator, cores)

    def truths(indices: Sequence[int], images: Images) -> list[TrueMask]:
        return [
            replace(own, reason=theirs.reason)
            for own, theirs in zip(
                source(indices, images), reasons_of(indices, images), strict=True
            )
        ]

    return truths


def _of_one_size(images: list[Pixels]) -> list[Tensor]:
    """Neighbours of one size as batches ``[N, 3, H, W]``."""
    import torch

    groups = groupby(images, key=lambda pixels: pixels.shape)
    return [torch.from_numpy(np.stack(list(group))) for _, group in groups]
