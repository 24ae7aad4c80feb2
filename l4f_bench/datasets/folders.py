"""Images and true masks that lie in folders."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.bars import Bars, black_rows
from l4f_bench.datasets.colour_masks import read_coloured
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_set import TrueMask, Truth
from l4f_bench.datasets.listing import Listing
from l4f_bench.datasets.mask_files import read_mask
from l4f_bench.datasets.mask_levels import MaskFile, use_of
from l4f_bench.datasets.pairs import Pairs, list_images, pair_files
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.errors import InputError
from l4f_bench.escapes import printable
from l4f_bench.provenance import sha256_of_files


class FolderImages:
    """The true masks of one folder with the images of another, or either alone."""

    def __init__(
        self,
        spec: DatasetSpec,
        masks: Path | None,
        images: Path | None,
        *,
        level: int = 128,
        ignore_level: int | None = None,
        named_by_images: bool = False,
    ) -> None:
        """List the files, and pair them where there are both kinds.

        Args:
            spec: What they are.
            masks: Folder of true masks; None where only images are at hand.
            images: Folder of images; None where only masks are at hand.
            level: Grey level from which a pixel of a mask is foreground.
            ignore_level: Level of the masks whose pixels do not count.
            named_by_images: Call images by their own files, not by those of their masks.

        Raises:
            InputError: A folder is missing or empty, or files are left unpaired.
        """
        self.spec, self._level, self._ignore_level = spec, level, ignore_level
        self._remarks, self._said = Remarks(), list[str]()
        named_by_images = images is not None and (named_by_images or masks is None)
        first, second = (images, masks) if named_by_images else (masks, images)
        assert first is not None, "there are images or masks"
        self.listing = self._list(first)
        partners = None if second is None else self._partners(self._list(second))
        files = (self.listing.paths, partners or [])
        self._images, self._masks = files if named_by_images else files[::-1]
        self._depth = Depth(len(self._masks), self._masks.__getitem__)
        self._image_depth = Depth(len(self._images), self._images.__getitem__)

    def __len__(self) -> int:
        return len(self.listing.paths)

    @property
    def truth(self) -> Truth | None:
        """A person's masks; None where there are none."""
        return "human" if self._masks else None

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the true masks; of images that have none."""
        return sha256_of_files(self._masks or self._images)

    def key(self, index: int) -> str:
        """Name of an image's or true mask's file below its folder."""
        return printable(self.listing.name(self.listing.paths[index]))

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
        path = self._masks[index]
        if self.spec.mask_background is not None:
            return TrueMask(read_coloured(path, self.spec.mask_background))
        found = read_mask(path, self._depth)
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
        return [*self._said, *self._remarks.everywhere().news()]

    def pair(self, first: Listing, second: Listing) -> Pairs:
        """Which files belong together.

        Raises:
            InputError: Files are left unpaired; the message names them.
        """
        return pair_files(first, second)

    def _list(self, folder: Path) -> Listing:
        listing = list_images(folder)
        if listing.passed_over:
            self._said.append(listing.passed_over)
        return listing

    def _partners(self, listing: Listing) -> list[Path]:
        """The files of the other folder, in the order of the first one's."""
        found = self.pair(self.listing, listing)
        if found.by_order:
            own, other = found.matched[0]
            self._said.append(
                "Names of masks and images differ, so they are paired by natural order "
                f"({printable(own.name)} with {printable(other.name)}, and so on)."
            )
        partners = dict(found.matched)
        return [partners[path] for path in self.listing.paths]

    def _image_path(self, index: int) -> Path:
        if not self._images:
            raise InputError(f"No images of {self.spec.title} are given. Add --images DIR.")
        return self._images[index]
