"""Images to compare, by index: a folder, samples, an image set. None is held in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from l4f_bench.blocks import block_size, index_blocks
from l4f_bench.cores import Cores, fits_one_core
from l4f_bench.datasets.decoding import size_of
from l4f_bench.datasets.depth import Depth
from l4f_bench.datasets.image_set import ImageSet, read_image
from l4f_bench.datasets.image_sources import image_files
from l4f_bench.datasets.remarks import Remarks
from l4f_bench.datasets.squares import ByteArray, read_rgb
from l4f_bench.devices import to_bytes
from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.loading import load_trained
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import truncate
from l4f_bench.methods.contracts import GenerativeMethod
from l4f_bench.precision import FLOAT32, computing_in

_SIZES_AT_ONCE = 1000  # a task for every file of a large folder would take memory


class ImageBatches(Protocol):
    """Images of one size, in a fixed order."""

    def __len__(self) -> int: ...

    @property
    def block_size(self) -> int:
        """Images that are computed together."""

    @property
    def side_by_side(self) -> bool:
        """Whether images are best computed on one core each."""

    def images(self, indices: Sequence[int], cores: Cores) -> Tensor:
        """Some images, uint8 ``[N, 3, H, W]`` RGB; networks are called in the turn of ``cores``."""

    def to_json(self) -> dict[str, Any]:
        """What the images are, as it stands in results."""


class FolderBatches:
    """The image files of a folder, or else those of its sub-folders (as FFHQ's), in path order."""

    def __init__(self, folder: Path, *, workers: int | None = None) -> None:
        """List the files and look at their sizes, without decoding them.

        Raises:
            InputError: There is no such folder, it holds no image, or one that cannot be read, or
                images of several sizes.
        """
        self._folder = folder
        found = image_files(folder)
        self._paths = [path for path in found.paths if path.parent == folder] or found.paths
        self._depth = Depth(len(self._paths), self._paths.__getitem__)
        self._workers = workers or os.cpu_count() or 1
        self.remarks = Remarks(f"images of {folder}")
        num_below = len(found.paths) - len(self._paths)
        below = f"{num_below} images in sub-folders of {folder} are passed over."
        self.passed_over = [found.passed_over] if found.passed_over else []
        self.passed_over += [below] if num_below else []
        first = size_of(self._paths[0])
        for path, size in zip(self._paths, self._sizes(), strict=True):
            if size != first:
                raise InputError(
                    f"{path} has {size[0]}x{size[1]} pixels and {self._paths[0]} has "
                    f"{first[0]}x{first[1]}. Crop or resize the images to one size: how they are "
                    "resized changes the distance."
                )

    def __len__(self) -> int:
        return len(self._paths)

    @property
    def block_size(self) -> int:
        """Nothing is computed."""
        return 1

    @property
    def side_by_side(self) -> bool:
        """Files are decoded on one core each."""
        return True

    def images(self, indices: Sequence[int], cores: Cores) -> Tensor:
        """Some images, decoded in threads.

        Raises:
            InputError: A file is damaged.
        """
        with ThreadPoolExecutor(self._workers) as pool:
            pixels = list(pool.map(self._read, [self._paths[index] for index in indices]))
        return torch.from_numpy(np.stack(pixels))

    def _read(self, path: Path) -> ByteArray:
        # pytorch-fid takes images as they are stored, whatever their EXIF tag says.
        photograph = read_rgb(path, self._depth, upright=False)
        self.remarks.add(photograph.remarks, path.name)
        return photograph.pixels

    def _sizes(self) -> Iterator[tuple[int, int]]:
        with ThreadPoolExecutor(self._workers) as pool:
            for start in range(0, len(self), _SIZES_AT_ONCE):
                yield from pool.map(size_of, self._paths[start : start + _SIZES_AT_ONCE])

    def to_json(self) -> dict[str, Any]:
        """Kind, path and number."""
        return {"kind": "folder", "path": str(self._folder), "count": len(self)}


class GeneratorBatches:
    """Samples 0 to n - 1 of a StyleGAN2; each depends on its index and the seed alone."""

    def __init__(
        self,
        path: Path,
        *,
        num_images: int,
        truncation: float,
        seed: int,
        device: torch.device,
        precision: str = FLOAT32,
        name: str | None = None,
    ) -> None:
        """Load the averaged generator of a checkpoint of any readable format.

        Results call it ``name``, or else by its path.

        Raises:
            CheckpointError: The file cannot be read or holds no generator.
        """
        found = load_trained(path)
        self._generator = found.network.to(device).requires_grad_(False)
        self._mean_latent = found.mean_latent.to(device)
        self._num_images, self._truncation, self._seed = num_images, truncation, seed
        self._precision = precision
        self._name, self.sha256 = name or str(path), found.sha256

    def __len__(self) -> int:
        return self._num_images

    @property
    def block_size(self) -> int:
        """Samples that are computed together: those of a block of indices."""
        return block_size(self._generator.architecture.size, self._mean_latent.device)

    @property
    def side_by_side(self) -> bool:
        """Whether samples are best computed on one core each."""
        return fits_one_core(self._generator.architecture.size, self._mean_latent.device)

    def images(self, indices: Sequence[int], cores: Cores) -> Tensor:
        """Some samples."""
        found = []
        for block, rows in index_blocks(indices, self.block_size):
            with cores.turn(), computing_in(self._precision, self._mean_latent.device):
                found.append(self._images(block)[rows])
        return torch.cat(found)

    def to_json(self) -> dict[str, Any]:
        """Kind, file, and what fixes the samples."""
        return {
            "kind": "generator",
            "path": self._name,
            "sha256": self.sha256,
            "count": len(self),
            "truncation": self._truncation,
            "seed": self._seed,
        }

    @torch.no_grad()
    def _images(self, indices: Sequence[int]) -> Tensor:
        drawn = draw(self._generator.architecture, indices, seed=self._seed)
        w = self._generator.mapping(drawn.z.to(self._mean_latent))
        image = self._generator.synthesis(
            truncate(w, self._truncation, self._mean_latent),
            noise=[tensor.to(self._mean_latent) for tensor in drawn.noise],
        )
        return to_bytes(image)


class MethodBatches:
    """Samples 0 to n - 1 of a method that makes images with masks; the masks are left out."""

    def __init__(
        self,
        name: str,
        method: GenerativeMethod,
        *,
        num_images: int,
        truncation: float,
        seed: int,
    ) -> None:
        """Draw from ``method``, which results call ``name``."""
        self._name, self._method, self._num_images = name, method, num_images
        self._truncation, self._seed = truncation, seed

    def __len__(self) -> int:
        return self._num_images

    @property
    def block_size(self) -> int:
        """Samples that the method computes together."""
        return getattr(self._method, "block_size", 1)

    @property
    def side_by_side(self) -> bool:
        """Whether the method says that samples are best computed on one core each."""
        return getattr(self._method, "side_by_side", False)

    def images(self, indices: Sequence[int], cores: Cores) -> Tensor:
        """Some samples."""
        with cores.turn():
            drawn = self._method.sample(indices, truncation=self._truncation, seed=self._seed)
        return drawn.image

    def to_json(self) -> dict[str, Any]:
        """Kind, method, and what fixes the samples."""
        return {
            "kind": "samples",
            "path": self._name,
            "count": len(self),
            "truncation": self._truncation,
            "seed": self._seed,
        }


class SetBatches:
    """The images of a set that is drawn."""

    def __init__(self, images: ImageSet, *, seed: int) -> None:
        """Take the images of ``images``, which results describe by resolution and seed."""
        self._images, self._seed = images, seed

    def __len__(self) -> int:
        return len(self._images)

    @property
    def block_size(self) -> int:
        """Images are drawn one by one."""
        return 1

    @property
    def side_by_side(self) -> bool:
        """NumPy draws each on one core."""
        return True

    def images(self, indices: Sequence[int], cores: Cores) -> Tensor:
        """Some images."""
        return torch.from_numpy(np.stack([read_image(self._images, i) for i in indices]))

    def to_json(self) -> dict[str, Any]:
        """Kind, number, and what fixes the images."""
        return {
            "kind": "world",
            "path": self._images.spec.name,
            "count": len(self),
            "resolution": self._images.spec.resolution,
            "seed": self._seed,
        }
