"""What becomes of finished samples beside a PNG each: tar files, or COCO's annotations."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import MissingDependencyError
from l4f_bench.evaluation.sample_config import SampleConfig
from l4f_bench.evaluation.sample_files import METADATA, SampleFiles
from l4f_bench.evaluation.sample_shards import SHARD
from l4f_bench.runs import whole_lines, write_text

ANNOTATIONS = "annotations.json"
_KINDS = ("images", "alpha", "masks")


class Format:
    """A folder as it is; others add to it. The first process alone calls."""

    def __init__(self, files: SampleFiles) -> None:
        """Store the samples of ``files``."""
        self.files = files

    def store(self, num_done: int) -> None:
        """Take note that the files and lines of the first ``num_done`` samples are there."""

    def finish(self) -> None:
        """Take note that they all are."""


class TarFiles(Format):
    """Files move into a tar file once it has all its samples, or is the last one."""

    def __init__(self, files: SampleFiles) -> None:
        """Begin with the first tar file: a stopped run may have left it to be written."""
        super().__init__(files)
        self._num_packed = 0

    def store(self, num_done: int) -> None:
        """Pack the tar files that are complete."""
        while (end := self._num_packed + SHARD) <= num_done:
            self._pack(self._num_packed, end)

    def finish(self) -> None:
        """Pack the rest, and remove the sub-folders, which are empty now."""
        num_images = self.files.config.num_images
        self.store(num_images)
        if self._num_packed < num_images:
            self._pack(self._num_packed, num_images)
        for kind in _KINDS:
            with suppress(OSError):  # somebody else's files are left alone
                (self.files.folder / kind).rmdir()

    def _pack(self, start: int, end: int) -> None:
        files = self.files
        paths = [files.path(kind, index) for index in range(start, end) for kind in _KINDS]
        self._num_packed = end
        if not any(path.exists() for path in paths):
            return  # an earlier run has
        lines = whole_lines(files.folder / METADATA)[start:end]
        contents = (
            (index, {k: files.content(k, index) for k in _KINDS} | {"metadata": line.encode()})
            for index, line in enumerate(lines, start)
        )
        files.shards.write(start // SHARD, contents)
        for path in paths:
            path.unlink(missing_ok=True)


class Coco(Format):
    """A folder with ``annotations.json``: each mask as run lengths, none where it is empty."""

    def __init__(self, files: SampleFiles) -> None:
        """Check that what encodes masks is there.

        Raises:
            MissingDependencyError: It is not.
        """
        super().__init__(files)
        try:
            from pycocotools import mask
        except ImportError:
            raise MissingDependencyError(
                "--format coco needs pycocotools. Install it: pip install 'l4f-bench[export]'."
            ) from None
        self._coder = mask

    def finish(self) -> None:
        """Write the annotations.

        Raises:
            BenchError: A mask is gone, or the disk is full.
        """
        config = self.files.config
        with ThreadPoolExecutor() as pool:
            pairs = list(pool.map(self._described, range(config.num_images)))
        document = {
            "info": {"description": _title(config)},
            "categories": [{"id": 1, "name": _category(config), "supercategory": ""}],
            "images": [image for image, _ in pairs],
            "annotations": [annotation for _, found in pairs for annotation in found],
        }
        write_text(self.files.folder / ANNOTATIONS, json.dumps(document) + "\n")

    def _described(self, index: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The entry of a sample, and those of its masks: one or none."""
        with Image.open(io.BytesIO(self.files.content("masks", index))) as image:
            mask = np.asfortranarray(np.asarray(image) > 0, dtype=np.uint8)
        height, width = mask.shape
        name = f"images/{self.files.path('images', index).name}"
        entry = {"id": index, "file_name": name, "width": width, "height": height}
        if not mask.any():
            return entry, []
        lengths = self._coder.encode(mask)
        annotation = {
            "id": index + 1,  # COCO's own tools take 0 for no match
            "image_id": index,
            "category_id": 1,
            "iscrowd": 0,
            "area": int(self._coder.area(lengths)),
            "bbox": self._coder.toBbox(lengths).tolist(),
            "segmentation": {"size": [height, width], "counts": lengths["counts"].decode()},
        }
        return entry, [annotation]


def format_of(files: SampleFiles) -> Format:
    """How the samples of ``files`` are stored.

    Raises:
        MissingDependencyError: That needs a package which is not installed.
    """
    pairs = files.config.pairs
    kinds: dict[str, type[Format]] = {"folder": Format, "webdataset": TarFiles, "coco": Coco}
    return kinds["folder" if pairs is None else pairs.format](files)


def _title(config: SampleConfig) -> str:
    return f"Samples of {config.method} for {DATASETS.get(config.dataset).title}"


def _category(config: SampleConfig) -> str:
    return DATASETS.get(config.dataset).target_class or "object"
