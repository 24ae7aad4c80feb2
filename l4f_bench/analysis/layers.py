"""How much an image changes if one RGB layer of its generator paints noise.

The image is a sum: every RGB layer adds to the up-sampled image of the resolution below. So one
pass gives all that is needed, and the image with another layer's output follows from the sum.
Source: Labels4Free (ICCV 2021), section 3.1. Its code for this was never released: what is replaced
is the layer's own output, modulated convolution and bias, without the image from below.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.generators.architecture import resolutions
from l4f_bench.generators.layers import ToRGB
from l4f_bench.generators.stylegan2 import Generator, Noise
from l4f_bench.metrics.ssim import SimilarityTo
from l4f_bench.metrics.ssim_definitions import DEFINITIONS

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LayerSsim:
    """SSIM of images with one RGB layer replaced to the images as they were."""

    resolutions: tuple[int, ...]
    """4, 8, …: one for each RGB layer."""
    ssim: dict[str, FloatArray]
    """By definition, each ``[R, D, N]``: resolution, noise draw, sample."""
    rgb_std: FloatArray
    """Standard deviation of what the layer itself had painted, ``[R, N]``; the noise has 1."""


def partial_images(generator: Generator, w: Tensor, *, noise: Noise = "fixed") -> list[Tensor]:
    """The image after each RGB layer, ``[N, 3, r, r]`` for r = 4, 8, …; the last is the image.

    Args:
        generator: The generator.
        w: ``[N, w_dim]`` or w+ ``[N, L, w_dim]``.
        noise: As in ``Generator.synthesis``.
    """
    images: list[Tensor] = []
    generator.synthesis(w, noise=noise, on_image=lambda _, image: images.append(image))
    return images


def contribution(generator: Generator, images: Sequence[Tensor], level: int) -> Tensor:
    """What the RGB layer of a level has added to the image, ``[N, 3, r, r]``.

    Args:
        generator: The generator.
        images: Of :func:`partial_images`.
        level: 0 for 4 pixels, 1 for 8, …
    """
    if not level:
        return images[0]
    return images[level] - _upsampled(generator, images[level - 1], level)


def with_layer_replaced(
    generator: Generator, images: Sequence[Tensor], level: int, rgb: Tensor
) -> Tensor:
    """The images if the RGB layer of a level had painted something else.

    Args:
        generator: The generator.
        images: Of :func:`partial_images`.
        level: 0 for 4 pixels, 1 for 8, …
        rgb: What it paints instead, ``[N, 3, r, r]``, or ``[M, 3, r, r]`` for M versions of one
            image.

    Returns:
        ``[N or M, 3, size, size]``.
    """
    change = rgb - contribution(generator, images, level)
    for above in range(level + 1, len(images)):
        change = _upsampled(generator, change, above)
    return images[-1] + change


@torch.no_grad()
def layer_ssim(
    generator: Generator, w: Tensor, rgb_noise: Sequence[Tensor], *, noise: Noise = "fixed"
) -> LayerSsim:
    """SSIM of images to themselves with each RGB layer in turn replaced by noise.

    Images are cut to [-1, 1] first, and compared at the generator's full resolution.

    Args:
        generator: The generator.
        w: ``[N, w_dim]`` or w+ ``[N, L, w_dim]``.
        rgb_noise: One tensor ``[D, N, 3, r, r]`` for each resolution r = 4, 8, …; D draws.
        noise: The noise maps of the images, as in ``Generator.synthesis``.

    Raises:
        InputError: ``rgb_noise`` or ``w`` has another shape.
    """
    sides = resolutions(generator.architecture.size)
    _check_noise(rgb_noise, len(w), sides)
    images = partial_images(generator, w, noise=noise)
    similar = [SimilarityTo(image) for image in _unit(images[-1])]
    shape = (len(sides), len(rgb_noise[0]), len(w))
    ssim = {name: np.empty(shape) for name in DEFINITIONS}
    for level, replaced in enumerate(rgb_noise):
        for n, similarity in enumerate(similar):
            one = [image[n : n + 1] for image in images]
            found = similarity(_unit(with_layer_replaced(generator, one, level, replaced[:, n])))
            for name, values in found.items():
                ssim[name][level, :, n] = values.double().cpu().numpy()
    spreads = [
        contribution(generator, images, level).flatten(1).double().std(dim=1, correction=0)
        for level in range(len(sides))
    ]
    return LayerSsim(sides, ssim, torch.stack(spreads).cpu().numpy())


def joined(parts: Sequence[LayerSsim]) -> LayerSsim:
    """Results for some samples after those for others; resolutions and draws are the same."""
    first = parts[0]
    ssim = {name: np.concatenate([part.ssim[name] for part in parts], 2) for name in first.ssim}
    return LayerSsim(first.resolutions, ssim, np.concatenate([part.rgb_std for part in parts], 1))


def _upsampled(generator: Generator, below: Tensor, level: int) -> Tensor:
    """An image of the resolution below, as the RGB layer of a level adds it to its own."""
    to_rgb = generator.to_rgbs[level - 1]
    assert isinstance(to_rgb, ToRGB)
    image: Tensor = to_rgb.upsample(below)
    return image


def _unit(image: Tensor) -> Tensor:
    """Images in [-1, 1], values beyond cut off, as [0, 1]."""
    return image.add(1).mul_(0.5).clamp_(0, 1)


def _check_noise(rgb_noise: Sequence[Tensor], num_samples: int, sides: Sequence[int]) -> None:
    given = [tuple(tensor.shape) for tensor in rgb_noise]
    wanted = [(num_samples, 3, side, side) for side in sides]
    draws = {shape[0] for shape in given if shape}
    if [shape[1:] for shape in given] != wanted or len(draws) != 1 or 0 in draws:
        raise InputError(
            f"The noise of RGB layers must be {len(sides)} tensors [D, {num_samples}, 3, r, r] "
            f"with r = {list(sides)} and the same D of 1 or more; got {given}."
        )
