"""Images and true masks that lie in two folders."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.image_set import TrueMask, Truth
from l4f_bench.datasets.mask_files import black_rows, read_mask
from l4f_bench.datasets.pairs import list_images, pair_files
from l4f_bench.datasets.specs import DatasetSpec
from l4f_bench.datasets.squares import read_rgb
from l4f_bench.errors import InputError
from l4f_bench.provenance import sha256_of_files


class FolderImages:
    """The masks of one folder with the images of another, named by the masks' files."""

    truth: Truth = "human"

    def __init__(
        self, spec: DatasetSpec, masks: Path, images: Path | None, *, level: int = 128
    ) -> None:
        """List the masks, and pair the images with them where there are some.

        Args:
            spec: What they are.
            masks: Folder of true masks.
            images: Folder of images; None where only masks are at hand.
            level: Grey level from which a pixel of a mask is foreground.

        Raises:
            InputError: A folder is missing or empty, or files are left unpaired.
        """
        self.spec, self._level = spec, level
        self.paths = list_images(masks)
        self.paired_by_order = False
        self._images: dict[Path, Path] = {}
        if images is not None:
            pairs, self.paired_by_order = pair_files(self.paths, list_images(images))
            self._images = dict(pairs)

    def __len__(self) -> int:
        return len(self.paths)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the names and contents of the true masks."""
        return sha256_of_files(self.paths)

    def key(self, index: int) -> str:
        """Name of the true mask's file."""
        return self.paths[index].name

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """Pixels, uint8 ``[3, H, W]`` RGB.

        Raises:
            InputError: The file cannot be read, or there are no images.
        """
        path = self._image_path(index)
        pixels = read_rgb(path)
        if pixels is None:
            raise InputError(f"{path} cannot be read as an image. Remove it or copy it again.")
        return pixels

    def mask(self, index: int) -> TrueMask:
        """The true mask.

        Raises:
            InputError: The file cannot be read.
        """
        found = read_mask(self.paths[index], self._level)
        return TrueMask(found.levels >= self._level, found.grey)

    def bars(self, index: int) -> npt.NDArray[np.bool_]:
        """Rows ``[H]`` that are pure black in the image (letterbox bars).

        Raises:
            InputError: The file cannot be read, or there are no images.
        """
        return black_rows(self._image_path(index))

    def _image_path(self, index: int) -> Path:
        if not self._images:
            raise InputError(f"No images of {self.spec.title} are given. Add --images DIR.")
        return self._images[self.paths[index]]
