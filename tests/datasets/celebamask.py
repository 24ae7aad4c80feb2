"""A small folder in the layout of CelebAMask-HQ: drawn shapes, with everything as published."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.celebamask.images import CelebAMaskImages, open_celebamask
from l4f_bench.datasets.image_set import ImageRequest
from l4f_bench.datasets.specs import DATASETS
from tests.datasets.layouts import save

Masks = dict[str, npt.NDArray[np.bool_]]

SPEC = DATASETS.get("celebamask")
SIDE, PART_SIDE = 32, 16
IDS = {0: 119614, 1: 200000, 3: 170001, 1999: 182638, 2000: 182637, 2001: 162771}
"""Numbers of the originals' files by id. 182638 is the first of test and 162771 of val; by the
index, which is one less, both would be of the split before."""
SPLITS = {0: "train", 1: "test", 3: "val", 1999: "test", 2000: "val", 2001: "val"}
MAPPING, PARTITION = "CelebA-HQ-to-CelebA-mapping.txt", "list_eval_partition.txt"
HEADER = "idx     orig_idx    orig_file"


@dataclass(frozen=True)
class Folder:
    """Where a folder lies."""

    data: Path

    def image(self, number: int) -> Path:
        return self.data / "CelebA-HQ-img" / f"{number}.jpg"

    def part(self, number: int, part: str) -> Path:
        folder = self.data / "CelebAMask-HQ-mask-anno" / str(number // 2000)
        return folder / f"{number:05d}_{part}.png"

    def write_parts(self, number: int, masks: Masks) -> None:
        for part, mask in masks.items():
            levels = mask.astype(np.uint8) * 255
            save(self.part(number, part), np.stack([levels] * 3, axis=-1))


def parts_of(number: int) -> Masks:
    """Parts of an image, ``[16, 16]``: skin, and on it what later parts cover."""
    masks = {part: np.zeros((PART_SIDE, PART_SIDE), bool) for part in ("skin", "nose", "hair")}
    masks["skin"][4:14, 4:12] = True
    masks["nose"][8:10, 7:9] = True
    masks["hair"][2 : 5 + number % 3, 3:13] = True
    return masks


def union_of(number: int) -> npt.NDArray[np.bool_]:
    """The true mask of an image, ``[32, 32]``."""
    return np.logical_or.reduce(list(parts_of(number).values())).repeat(2, 0).repeat(2, 1)


def build(data: Path, ids: dict[int, int] = IDS) -> Folder:
    """The whole folder under ``data``; images are white on what is foreground."""
    folder = Folder(data)
    for place, number in enumerate(ids):  # no two images are the same
        face = np.where(parts_of(number)["skin"] | parts_of(number)["hair"], 230, 8 + 8 * place)
        pixels = face.astype(np.uint8).repeat(2, 0).repeat(2, 1)
        save(folder.image(number), np.stack([pixels] * 3, axis=-1))
        folder.write_parts(number, parts_of(number))
    lines = [f"{number:<8}{file - 1:<12}{file:06d}.jpg" for number, file in ids.items()]
    (data / MAPPING).write_text("\n".join([HEADER, *lines]) + "\n")
    partition = [f"{file:06d}.jpg {_split(file)}" for file in sorted(ids.values())]
    (data / PARTITION).write_text("\n".join(partition) + "\n")
    return folder


def _split(file: int) -> int:
    """The number of a file's split in CelebA."""
    return int(file > 162770) + int(file > 182637)


def opened(data: Path, split: str | None = "all", **more: object) -> CelebAMaskImages:
    return open_celebamask(ImageRequest(spec=SPEC, data=data, split=split, **more))


def keys(images: CelebAMaskImages) -> list[str]:
    return [images.key(index) for index in range(len(images))]


def read(images: CelebAMaskImages) -> dict[str, str | None]:
    """Reads every mask; why it is left out, by the image's name."""
    found = {}
    for index in range(len(images)):
        true = images.mask(index)
        assert true.mask.shape == images.image(index).shape[1:]
        assert true.reason is None or not true.mask.any()
        found[images.key(index)] = true.reason
    return found
