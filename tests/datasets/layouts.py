"""Public layouts with tiny images, built from what a data set's entry says."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from l4f_bench.datasets.specs import DATASETS, DatasetSpec

NAMES = ("00002", "00010", "birds/00001")
"""What varies in the files' names; one lies in a sub-folder."""
SIZES = {"00002": (32, 48), "00010": (64, 32), "birds/00001": (48, 48)}
"""Height and width by name: whole blocks of JPEG, which keeps flat colours there."""
LAYOUTS = [spec for spec in DATASETS if spec.images == "l4f_bench.datasets.layouts:open_layout"]


def object_of(name: str) -> npt.NDArray[np.bool_]:
    """The object of an image, ``[H, W]``: another one for each name."""
    mask = np.zeros(SIZES[name], bool)
    mask[16:32, : 16 * (1 + NAMES.index(name))] = True
    return mask


def build(spec: DatasetSpec, root: Path) -> Path:
    """The layout of a data set under ``root``."""
    images, masks = spec.layout
    for name in NAMES:
        shade = 60 * (1 + NAMES.index(name))
        save(file_of(root, images, name), np.full((*SIZES[name], 3), shade, np.uint8))
        save(file_of(root, masks, name), coloured(object_of(name), spec))
    return root


def file_of(root: Path, pattern: str, name: str) -> Path:
    """A file of a layout; sub-folders stand before the rest of its name."""
    folder, _, file = pattern.rpartition("/")
    parent, _, stem = name.rpartition("/")
    return root / folder / parent / file.replace("{name}", stem)


def name_of(spec: DatasetSpec, key: str) -> str:
    """What varies in an image's path below its folder."""
    prefix = spec.layout[0].partition("{name}")[0].rpartition("/")[2]
    path = PurePosixPath(key)
    return (path.parent / path.stem.removeprefix(prefix)).as_posix()


def coloured(mask: npt.NDArray[np.bool_], spec: DatasetSpec) -> npt.NDArray[np.uint8]:
    """A mask as the data set's files show it."""
    if spec.mask_background is None:
        return mask.astype(np.uint8) * 255
    return np.where(mask[..., None], (200, 180, 40), spec.mask_background).astype(np.uint8)


def save(path: Path, pixels: npt.NDArray[np.uint8]) -> Path:
    """Write an image file of any format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"quality": 95, "subsampling": 0} if path.suffix == ".jpg" else {}
    Image.fromarray(pixels).save(path, **options)
    return path
