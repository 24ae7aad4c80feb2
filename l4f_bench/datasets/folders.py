"""Images and true masks that lie in two folders."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.bars import Bars, black_rows
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_set import TrueMask, Truth
from l4f_bench.datasets.listing import printable
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.mask_levels import MaskFile, use_of
from l4f_bench.datasets.pairs import list_images, pair_files
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.distributed import gathered
from l4f_bench.errors import InputError
from l4f_bench.provenance import sha256_of_files


class FolderImages:
    """The masks of one folder with the images of another, named by the masks' files."""

    truth: Truth = "human"

    def __init__(
        self,
        spec: DatasetSpec,
        masks: Path,
        images: Path | None,
        *,
        level: int = 128,
        ignore_level: int | None = None,
    ) -> None:
        """List the masks, and pair the images with them where there are some.

        Args:
            spec: What they are.
            masks: Folder of true masks.
            images: Folder of images; None where only masks are at hand.
            level: Grey level from which a pixel of a mask is foreground.
            ignore_level: Level of the masks whose pixels do not count.

        Raises:
            InputError: A folder is missing or empty, or files are left unpaired.
        """
        self.spec, self._level, self._ignore_level = spec, level, ignore_level
        self.listing = list_images(masks)
        self.paths = self.listing.paths
        self._depth = Depth(len(self.paths), self.paths.__getitem__)
        self._remarks = Remarks()
        self._said = [self.listing.passed_over] if self.listing.passed_over else []
        self._images: dict[Path, Path] = {}
        if images is not None:
            self._pair(images)

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the true masks."""
        return sha256_of_files(self.paths)

    def key(self, index: int) -> str:
        """Name of the true mask's file below its folder."""
        return printable(self.listing.name(self.paths[index]))

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Pixels, uint8 ``[3, H, W]`` RGB, upright.

        Raises:
            InputError: The file cannot be read, or there are no images.
        """
        path = self._image_path(index)
        photograph = read_rgb(path, self._image_depth)
        self._remarks.add(photograph.remarks, str(path))
        return photograph.pixels

    def mask(self, index: int) -> TrueMask:
        """The true mask.

        Raises:
            InputError: The file cannot be read.
        """
        found = read_mask(self.paths[index], self._depth)
        use = use_of(self.key(index), found, self._ignore_level)
        shown = None if self._ignore_level is None else found.levels != self._ignore_level
        return TrueMask(
            found.levels >= self._level, file=MaskFile(found.levels, use), counted=shown
        )

    def bars(self, index: int) -> Bars:
        """Rows that are black in the image (letterbox bars).

        Raises:
            InputError: The file cannot be read, or there are no images.
        """
        path = self._image_path(index)
        found = black_rows(path, self._image_depth)
        self._remarks.add(found.remarks, str(path))
        return found

    def warnings(self) -> list[str]:
        """What there is to say of the files that were listed and the images that were read."""
        remarks = Remarks(self._remarks.what)
        for share in gathered(self._remarks.found):
            for remark, (number, name) in share.items():
                remarks.count(remark, number, name)
        return [*self._said, *remarks.news()]

    @cached_property
    def _image_depth(self) -> Depth:
        paths = list(self._images.values())
        return Depth(len(paths), paths.__getitem__)

    def _pair(self, folder: Path) -> None:
        listing = list_images(folder)
        found = pair_files(self.listing, listing)
        self._images = dict(found.matched)
        if listing.passed_over:
            self._said.append(listing.passed_over)
        if found.by_order:
            mask, image = found.matched[0]
            self._said.append(
                "Names of masks and images differ, so they are paired by natural order "
                f"({printable(mask.name)} with {printable(image.name)}, and so on)."
            )

    def _image_path(self, index: int) -> Path:
        if not self._images:
            raise InputError(f"No images of {self.spec.title} are given. Add --images DIR.")
        return self._images[self.paths[index]]
