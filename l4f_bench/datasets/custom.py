"""The paper's custom set: real images, hand-drawn masks and published predictions.

Layout: ``{Faces,Cats,Horse,Cars}/{data,Mask_*_gt,Mask_*_pred}``. Files of the three folders
belong together by natural order: ``data/0.png``, ``Mask_car_gt/Car1.png``.
Source: Labels4Free (ICCV 2021), appendix C, and the layout of its published files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l4f_bench.datasets.specs import DATASETS, DatasetSpec
from l4f_bench.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomSet:
    """The folders of one category."""

    images_dir: Path
    truth_dir: Path
    published_dir: Path


def find_custom_set(root: Path, dataset: DatasetSpec) -> CustomSet:
    """Find a category's folders below ``root``.

    Raises:
        InputError: The data set is no part of the custom set, or a folder of it is not there.
    """
    if dataset.custom_folder is None:
        known = ", ".join(spec.name for spec in DATASETS if spec.custom_folder)
        raise InputError(f"{dataset.title} is no part of the custom set. Known: {known}.")
    folder = root / dataset.custom_folder
    return CustomSet(
        images_dir=_only(folder, "data"),
        truth_dir=_only(folder, "Mask_*_gt"),
        published_dir=_only(folder, "Mask_*_pred"),
    )


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(path for path in folder.glob(pattern) if path.is_dir())
    if len(found) != 1:
        raise InputError(
            f"Expected one folder {folder / pattern}, found {len(found)}. --data takes the folder "
            "that holds Faces, Cats, Horse and Cars as published with the paper."
        )
    return found[0]
