"""Samples that the analyses look at: those of ``l4f-bench sample`` with the same seed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.devices import choose_device, to_bytes
from l4f_bench.generators.checkpoints.loading import load_trained
from l4f_bench.generators.sampling import draw
from l4f_bench.generators.stylegan2 import Generator, truncate
from l4f_bench.generators.usual import generator_file


def opened(dataset: str, path: Path | None, device: str | None) -> tuple[Generator, Tensor, str]:
    """A generator to look at, the centre of its truncation, and the SHA-256 of its file.

    Args:
        dataset: Key of the data set.
        path: Its checkpoint; None takes the data set's, embedded or in the cache.
        device: Where to compute; None takes a GPU if there is one.

    Raises:
        CheckpointError: The file cannot be read, or holds no generator.
        InputError: The device cannot be used.
        MissingAssetError: There is no generator; the message says how to get one.
    """
    place = choose_device(device)
    found = load_trained(path or generator_file(dataset))
    network = found.network.to(place).requires_grad_(False)
    return network, found.mean_latent.to(place), found.sha256


@torch.no_grad()
def painted(
    network: Generator,
    centre: Tensor,
    indices: Sequence[int],
    *,
    seed: int,
    truncation: float,
    image: int = 0,
) -> tuple[Tensor, list[Tensor]]:
    """What some samples are painted from: w ``[N, w_dim]``, and a noise map a layer.

    Args:
        network: On the device to compute on.
        centre: Centre of truncation.
        indices: Sample indices.
        seed: Seed of the set.
        truncation: psi.
        image: Which of a sample's images: 0 the foreground's, 1 the background's.
    """
    drawn = draw(network.architecture, indices, seed=seed, image=image)
    w = truncate(network.mapping(drawn.z.to(centre)), truncation, centre)
    return w, [noise.to(centre) for noise in drawn.noise]


def bytes_of(image: Tensor) -> npt.NDArray[np.uint8]:
    """Images in [-1, 1] ``[N, 3, H, W]`` as uint8 ``[N, H, W, 3]``."""
    pixels: npt.NDArray[np.uint8] = to_bytes(image).permute(0, 2, 3, 1).numpy()
    return pixels


def plain(config: Any) -> dict[str, Any]:
    """A dataclass of options as JSON data; paths as they were given."""
    data: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return data
