"""CelebAMask-HQ as images with true masks: the union of parts, or a label map."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.celebamask.contents import IMAGES, MASKS, list_contents
from l4f_bench.datasets.celebamask.faults import Fault, Tally
from l4f_bench.datasets.celebamask.parts import KNOWN_BAD, TWICE
from l4f_bench.datasets.celebamask.reading import PartReader, painted, resized
from l4f_bench.datasets.celebamask.splits import read_splits
from l4f_bench.datasets.decoding import size_of
from l4f_bench.datasets.image_set import ALL, ImageRequest, TrueMask, Truth
from l4f_bench.datasets.layouts import check_laid_out, given_data
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.distributed import gathered
from l4f_bench.errors import InputError, MissingAssetError
from l4f_bench.escapes import printable
from l4f_bench.provenance import sha256_of_files

USUAL_SPLIT, USUAL_NUMBER = "test", 1000
"""Images that are taken unless others are asked for. The paper's Table 4 is of 1000 images and does
not say which: these are the first of the test split."""


class CelebAMaskImages:
    """Photographs of faces by ascending id, with the union of the parts that were asked for.

    An image with a fault is never taken for one without a face: its mask has a reason, by which
    evaluations leave it out, and a warning names it.
    """

    truth: Truth = "human"

    def __init__(self, data: Path, request: ImageRequest) -> None:
        """List the folder and choose the images.

        Raises:
            InputError: A folder cannot be read, or there are no images of the split.
            MissingAssetError: A split is asked for, and the files that tell them are not there.
        """
        self.spec, self.parts = request.spec, request.parts
        self._contents = list_contents(data)
        self._splits = read_splits(self._contents)
        self._choose(request)
        self._reader, self._remarks = PartReader(self._contents, request.level), Remarks()

    @property
    def listing(self) -> Listing:
        """The images' files."""
        folder = self._contents.data / IMAGES
        return Listing(folder, [self._contents.image_path(number) for number in self._ids])

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the part files that were asked for."""
        return sha256_of_files(
            self._contents.part_path(number, part)
            for number in self._ids
            for part in self._wanted(number)
        )

    def __len__(self) -> int:
        return len(self._ids)

    def key(self, index: int) -> str:
        """Name of the image's file."""
        return printable(self._contents.images[self._ids[index]])

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Pixels, uint8 ``[3, H, W]`` RGB, upright.

        Raises:
            InputError: The file cannot be read.
        """
        photograph = read_rgb(self._contents.image_path(self._ids[index]))
        self._remarks.add(photograph.remarks, self.key(index))
        return photograph.pixels

    def mask(self, index: int) -> TrueMask:
        """The union of the parts at the image's size, with a reason where that cannot be told.

        Raises:
            InputError: The image cannot be read.
        """
        number = self._ids[index]
        size = size_of(self._contents.image_path(number))
        masks, fault = self._reader.read(number, size, self._wanted(number))
        if fault is not None or not masks:
            reason = None if fault is None else fault.reason
            return TrueMask(np.zeros(size[::-1], bool), reason=reason)
        union = np.logical_or.reduce(list(masks.values()))
        return TrueMask(resized(union.astype(np.uint8), size) > 0)

    def labels(self, index: int) -> npt.NDArray[np.uint8]:
        """The label map of all parts at the image's size, uint8 ``[H, W]``, as ``painted`` gives.

        Raises:
            InputError: The image cannot be read, or its parts have a fault.
        """
        number = self._ids[index]
        size = size_of(self._contents.image_path(number))
        masks, fault = self._reader.read(number, size, self._contents.parts_of(number))
        if fault is not None:
            raise InputError(
                f"{self.key(index)} has no labels ({fault.reason}). `l4f-bench doctor --dataset "
                f"{self.spec.name} --data {self._contents.data}` says what is wrong."
            )
        return resized(painted(masks), size)

    def warnings(self) -> list[str]:
        """Faults and what else there is to say, of the names and of what was read so far."""
        tally = self._told()
        remarks = (self._remarks.everywhere(), self._reader.remarks.everywhere())
        said = [text for some in remarks for text in some.news()]
        return [*tally.sentences(notes=False), *tally.sentences(notes=True), *said]

    def faults(self) -> list[str]:
        """Those of the warnings that speak of something wrong."""
        return self._told().sentences(notes=False)

    def facts(self) -> dict[str, int]:
        """How many images have parts, parts, and images of each split there are in the folder."""
        contents = self._contents
        there = Counter(self._splits.get(number) for number in contents.images)
        return {
            "images with part files": len(contents.images.keys() & contents.parts.keys()),
            "part files": sum(bits.bit_count() for bits in contents.parts.values()),
            **{f"images of {split}": there[split] for split in self.spec.splits},
        }

    def _choose(self, request: ImageRequest) -> None:
        """Images of the split, or the usual ones, and what they are called."""
        split = request.split or USUAL_SPLIT
        most = USUAL_NUMBER if request.split is None else None
        most = most if request.num_images is None else request.num_images
        if split == ALL:
            own = set(self._contents.images) | self._splits.keys()
        else:
            self._check_splits(split)
            own = {number for number, found in self._splits.items() if found == split}
        ids = [number for number in self._contents.images if number in own]
        if not ids:
            raise InputError(
                f"There are no images of {'any split' if split == ALL else split} in "
                f"{self._contents.data / IMAGES}. Copy them there, or take another --split."
            )
        self._ids = ids[:most]
        is_cut = len(self._ids) < len(ids)
        self.split = f"first {len(self._ids)} of {split}" if is_cut else split
        last = self._ids[-1] if is_cut else max(own)
        self._is_all = split == ALL and not is_cut
        self._scope = {number for number in own if number <= last}

    def _check_splits(self, split: str) -> None:
        unread = [f.name for f in self._contents.findings if f.fault is Fault.NO_TEXT]
        if unread:
            raise MissingAssetError(
                f"{' and '.join(unread)} in {self._contents.data} cannot be read, and nothing else "
                f"tells which images are of {split}. {self.spec.steps} Or take every image with "
                f"--split {ALL}."
            )

    def _wanted(self, number: int) -> list[str]:
        """The parts of an image that were asked for and are there."""
        there = self._contents.parts_of(number)
        return [part for part in there if not self.parts or part in self.parts]

    def _told(self) -> Tally:
        """The faults of names and of what was read, in all processes, and what is known."""
        told, names = Tally(), defaultdict[Fault, list[str]](list)
        for finding in self._contents.findings:
            if self._is_all or finding.id is None or finding.id in self._scope:
                names[finding.fault].append(finding.name)
        chosen = {*self._ids}
        names[Fault.KNOWN_BAD] += [str(number) for number in KNOWN_BAD & chosen]
        names[Fault.TWICE] += [f"{a} and {b}" for a, b in TWICE if {a, b} <= chosen]
        for fault, found in names.items():
            told.add(fault, found)
        for share in gathered(self._reader.tally.found):
            for fault, (number, first) in share.items():
                told.count(fault, number, first)
        return told


def open_celebamask(request: ImageRequest) -> CelebAMaskImages:
    """The images that a request asks for; without a split the usual ones.

    Raises:
        MissingAssetError: The data was not given, or the files that tell the splits are missing.
        InputError: Its folder does not have the layout, or holds no such images.
    """
    data = given_data(request)
    check_laid_out(request.spec, data, data / IMAGES, data / MASKS)
    return CelebAMaskImages(data, request)
