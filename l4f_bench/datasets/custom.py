"""The paper's custom set: real images, hand-drawn masks and published predictions.

Layout: ``{Faces,Cats,Horse,Cars}/{data,Mask_*_gt,Mask_*_pred}``. Files of the three folders
belong together by natural order: ``data/0.png``, ``Mask_car_gt/Car1.png``.
Source: Labels4Free (ICCV 2021), appendix C, and the layout of its published files.
"""

from __future__ import annotations

from pathlib import Path

from l4f_bench.datasets.folders import FolderImages
from l4f_bench.datasets.image_set import ImageRequest
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError, MissingAssetError


class CustomImages(FolderImages):
    """One category; its images are named by their true masks, to which predictions pair."""

    def __init__(self, folder: Path, request: ImageRequest) -> None:
        """Find the folders of the category.

        Raises:
            InputError: One of them is not there, or holds no images, or files do not pair up.
        """
        images, masks = _only(folder, "data"), _only(folder, "Mask_*_gt")
        super().__init__(request.spec, masks, images, level=request.level)
        self._folder = folder

    @property
    def published(self) -> Path:
        """The folder of masks of ours that were published with the paper.

        Raises:
            InputError: It is not there.
        """
        return _only(self._folder, "Mask_*_pred")


def open_category(request: ImageRequest) -> CustomImages:
    """The category of a data set.

    Raises:
        MissingAssetError: The data was not given.
        InputError: A folder is not there, or holds no images.
    """
    if request.data is None:
        steps = DATASETS.get("labels4free-custom").steps
        raise MissingAssetError(f"{steps} Give its folder with --data DIR.")
    assert request.spec.folder is not None, "a category has a folder"
    return CustomImages(request.data / request.spec.folder, request)


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(path for path in folder.glob(pattern) if path.is_dir())
    if len(found) != 1:
        raise InputError(
            f"Expected one folder {folder / pattern}, found {len(found)}. --data takes the folder "
            "that holds Faces, Cats, Horse and Cars as published with the paper."
        )
    return found[0]
