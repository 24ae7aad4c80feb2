"""Sets of images to compare: a folder, or a generator's samples. Neither is held in memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from l4f_bench.datasets.pairs import list_images
from l4f_bench.datasets.squares import ByteArray, read_rgb, size_of
from l4f_bench.errors import InputError
from l4f_bench.generators.checkpoints.errors import refusals_named
from l4f_bench.generators.checkpoints.selection import select_network
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import Generator, truncate
from l4f_bench.methods.labels4free.method import to_bytes

_BATCHES_AHEAD = 2  # are decoded while one is computed


class ImageSet(Protocol):
    """Images of one size, in a fixed order."""

    def __len__(self) -> int: ...

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """All images, uint8 ``[N, 3, H, W]`` RGB."""

    def to_json(self) -> dict[str, Any]:
        """What the images are, as it stands in results."""


class FolderSet:
    """The image files of a folder, in natural order."""

    def __init__(self, folder: Path, *, workers: int | None = None) -> None:
        """List the files and look at their sizes, without decoding them.

        Raises:
            InputError: There is no such folder, it holds no image, or one that cannot be read, or
                images of several sizes.
        """
        self._folder = folder
        self._paths = list_images(folder)
        self._workers = workers or os.cpu_count() or 1
        with ThreadPoolExecutor(self._workers) as pool:
            sizes = list(pool.map(size_of, self._paths))
        for path, size in zip(self._paths, sizes, strict=True):
            if size is None:
                raise _unreadable(path)
            if size != sizes[0]:
                first = "{}x{}".format(*(sizes[0] or ()))
                raise InputError(
                    f"{path} has {size[0]}x{size[1]} pixels and {self._paths[0]} has {first}. "
                    "Crop or resize the images to one size: how they are resized changes the "
                    "distance."
                )

    def __len__(self) -> int:
        return len(self._paths)

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """All images, decoded in threads a few batches ahead.

        Raises:
            InputError: A file is damaged.
        """
        waiting: deque[list[Future[ByteArray]]] = deque()
        with ThreadPoolExecutor(self._workers) as pool:
            try:
                for start in range(0, len(self._paths), batch_size):
                    paths = self._paths[start : start + batch_size]
                    waiting.append([pool.submit(_read, path) for path in paths])
                    if len(waiting) > _BATCHES_AHEAD:
                        yield _stacked(waiting.popleft())
                while waiting:
                    yield _stacked(waiting.popleft())
            finally:  # an error or Ctrl-C need not wait for files that nobody will look at
                pool.shutdown(wait=False, cancel_futures=True)

    def to_json(self) -> dict[str, Any]:
        """Kind, path and number."""
        return {"kind": "folder", "path": str(self._folder), "count": len(self)}


class GeneratorSet:
    """Samples 0 to n - 1 of a StyleGAN2; each depends on its index and the seed alone."""

    def __init__(
        self, path: Path, *, num_images: int, truncation: float, seed: int, device: torch.device
    ) -> None:
        """Load the averaged generator of a checkpoint of any readable format.

        Raises:
            CheckpointError: The file cannot be read or holds no generator.
        """
        selected = select_network(path, "g_ema", "g")
        with refusals_named(path):
            network = Generator.from_state_dict(selected.state_dict, conv_clamp=selected.conv_clamp)
        self._generator = network.to(device).requires_grad_(False)
        mean = selected.latent_average
        mean = network.mean_latent() if mean is None else mean.view(1, -1)
        self._mean_latent = mean.to(network.input.input)
        self._num_images, self._truncation, self._seed = num_images, truncation, seed
        self._description = {"path": str(path), "sha256": selected.source_sha256}

    def __len__(self) -> int:
        return self._num_images

    def batches(self, batch_size: int) -> Iterator[Tensor]:
        """All samples; on a CPU they are computed one at a time, as ``l4f-bench sample`` does."""
        on_gpu = self._mean_latent.is_cuda
        for start in range(0, self._num_images, batch_size):
            indices = range(start, min(start + batch_size, self._num_images))
            parts = [indices] if on_gpu else [[index] for index in indices]
            yield torch.cat([self._images(part) for part in parts])

    def to_json(self) -> dict[str, Any]:
        """Kind, file, and what fixes the samples."""
        return {
            "kind": "generator",
            **self._description,
            "count": len(self),
            "truncation": self._truncation,
            "seed": self._seed,
        }

    @torch.no_grad()
    def _images(self, indices: range | list[int]) -> Tensor:
        drawn = draw(self._generator.architecture, indices, seed=self._seed)
        w = self._generator.mapping(drawn.z.to(self._mean_latent))
        image = self._generator.synthesis(
            truncate(w, self._truncation, self._mean_latent),
            noise=[tensor.to(self._mean_latent) for tensor in drawn.noise],
        )
        return to_bytes(image)


def _read(path: Path) -> ByteArray:
    image = read_rgb(path)
    if image is None:
        raise _unreadable(path)
    return image


def _stacked(futures: list[Future[ByteArray]]) -> Tensor:
    return torch.from_numpy(np.stack([future.result() for future in futures]))


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path} cannot be read as an image. Remove it or copy it again.")
