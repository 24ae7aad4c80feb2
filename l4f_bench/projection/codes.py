"""Photographs at an encoder's size to codes, and codes to pictures with their alpha."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.stylegan2 import Generator, Noise
from l4f_bench.methods.labels4free.alpha import AlphaNetwork
from l4f_bench.projection.encoder_file import TrainedEncoder


@dataclass(frozen=True, slots=True)
class Painted:
    """What a generator paints of codes."""

    image: Tensor
    """Float ``[N, 3, size, size]``, nominally in [-1, 1]."""
    alpha: Tensor | None
    """``[N, 1, size, size]`` in [0, 1], where there is an alpha network."""


def check_pair(encoder: TrainedEncoder, generator: Generator) -> None:
    """Raise unless a generator paints from an encoder's codes.

    Raises:
        InputError: It has another number of rows, or rows of another width; both are given.
    """
    sizes, width = generator.architecture, encoder.network.architecture.latent_width
    if encoder.num_rows != sizes.num_latents:
        raise InputError(
            f"This encoder gives codes of {encoder.num_rows} rows, but a generator of "
            f"{sizes.size} pixels takes {sizes.num_latents}. Give the generator that it was "
            "trained for."
        )
    if width != sizes.w_dim:
        raise InputError(
            f"This encoder gives rows of {width} numbers, but the generator takes "
            f"{sizes.w_dim}. Give the generator that it was trained for."
        )


def codes_of(encoder: TrainedEncoder, pictures: Tensor) -> Tensor:
    """W+ codes ``[N, num_rows, latent_width]`` of pictures at the size of the encoder's frame.

    Args:
        encoder: Its network on the device to compute on.
        pictures: uint8 ``[N, 3, H, W]`` RGB.
    """
    device = next(encoder.network.parameters()).device
    # Channels last is the layout that convolutions are fastest in, on CPU and GPU alike.
    images = pictures.to(device, memory_format=torch.channels_last).float() / 127.5 - 1
    codes: Tensor = encoder.network(images)
    if encoder.latent_average is not None:
        codes = codes + encoder.latent_average.to(codes)
    return codes[:, : encoder.num_rows]


@torch.no_grad()
def paint(
    generator: Generator, alpha: AlphaNetwork | None, codes: Tensor, noise: Noise = "fixed"
) -> Painted:
    """Images of w or W+ codes and, in the same pass, their alpha; noise maps as in ``synthesis``.

    The checkpoint's own noise maps are the usual ones: a code fixes its picture.
    """
    if alpha is None:
        return Painted(generator.synthesis(codes, noise=noise), None)
    return Painted(*alpha.paint(generator, codes, noise=noise))
