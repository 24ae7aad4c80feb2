"""The shapes world: drawn images with exact masks, image i from the seed and i alone.

One object stands near the centre: a star-shaped outline in a strong colour with stripes and
shading. The background knows nothing of it: a pale tint with a mild gradient and fine grain, which
is what a StyleGAN2 can still paint once its first layer is zeroed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l4f_bench.seeds import random_numbers

FloatArray = npt.NDArray[np.float32]

COVERAGE = (0.15, 0.45)
"""Every object covers a share of the image between these."""

HELD_OUT = 1 << 32
"""Training draws the worlds of seeds from 0 up; no image of it is met again from this seed on."""

_DRAWN_COVERAGE = (0.17, 0.40)  # the grid of pixels moves it by less than the difference
_HARMONICS = (2, 3, 4, 5)
_LARGEST_BULGE = 0.25  # of the mean radius; at coverage 0.4 the object then just fits
_LARGEST_SHIFT = 0.05  # of the image's side
_NUM_OBJECT, _NUM_BACKGROUND = 18, 6


@dataclass(frozen=True, slots=True)
class _Outline:
    """Where the pixels of a batch lie, seen from the object; each ``[N, H, W]``."""

    x: FloatArray
    """Offset from the object's centre; the image's side is 1."""
    y: FloatArray
    depth: FloatArray
    """Distance from the centre over that of the outline in this direction: below 1 inside."""
    cover: FloatArray
    """Share of the pixel that the object covers, in [0, 1]."""


def shapes_batch(
    indices: Sequence[int], *, resolution: int, seed: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Images of the world and the exact masks of their objects.

    Args:
        indices: Which images, 0 or more; the same index gives the same image in any batch.
        resolution: Side of the images in pixels.
        seed: Seed of the whole world.

    Returns:
        Images, uint8 ``[N, 3, H, W]`` RGB, and masks, bool ``[N, H, W]``: True where the object
        covers at least half of the pixel.
    """
    traits, grain = _draw(indices, resolution, seed)
    outline = _outline(traits[:, :, None, None], resolution)
    cover = outline.cover[:, None]
    colour = _object(traits[:, :, None, None], outline)
    image = _background(traits[:, _NUM_OBJECT:, None, None], grain)
    image += cover * (colour - image)
    np.clip(image, 0, 1, out=image)
    image *= 255
    image += 0.5
    return image.astype(np.uint8), outline.cover >= 0.5


def _draw(indices: Sequence[int], resolution: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Uniform numbers in [0, 1) ``[N, traits]`` and standard normal grain ``[N, H, W]``."""
    traits = np.empty((len(indices), _NUM_OBJECT + _NUM_BACKGROUND), dtype=np.float32)
    grain = np.empty((len(indices), resolution, resolution), dtype=np.float32)
    for row, index in enumerate(indices):
        source = random_numbers(seed=seed, index=index)
        source.random(out=traits[row], dtype=np.float32)
        source.standard_normal(out=grain[row], dtype=np.float32)
    return traits, grain


def _outline(traits: FloatArray, resolution: int) -> _Outline:
    """Outline r(t) = R (1 + sum of a_k cos(k t + p_k)), of exactly the drawn area."""
    axis = ((np.arange(resolution, dtype=np.float32) + 0.5) / resolution)[None]
    shift = (traits[:, 0:2] - 0.5) * (2 * _LARGEST_SHIFT)
    x = np.broadcast_to(axis[:, None, :], (1, resolution, resolution)) - 0.5 - shift[:, 0]
    y = np.broadcast_to(axis[:, :, None], (1, resolution, resolution)) - 0.5 - shift[:, 1]
    distance = np.sqrt(x * x + y * y) + 1e-6
    direction = (x + 1j * y) / distance

    sizes = traits[:, 4:8] / np.arange(1, 5, dtype=np.float32)[:, None, None]  # smooth: 1/k
    sizes *= (0.06 + (_LARGEST_BULGE - 0.06) * traits[:, 2:3]) / sizes.sum(axis=1, keepdims=True)
    waves = sizes * np.exp(2j * np.pi * traits[:, 8:12]).astype(np.complex64)
    bulge, slope = np.zeros_like(distance), np.zeros_like(distance)
    power = direction
    for row, k in enumerate(_HARMONICS):
        power = power * direction
        wave = waves[:, row] * power
        bulge += wave.real
        slope -= k * wave.imag

    low, high = _DRAWN_COVERAGE
    area = low + (high - low) * traits[:, 3]
    radius = np.sqrt(area / (np.pi * (1 + 0.5 * (sizes * sizes).sum(axis=1))))
    edge = radius * (1 + bulge)
    # Distance from a nearly straight edge, in pixels, is what the object misses of a pixel.
    tilt = np.sqrt(1 + (radius * slope / edge) ** 2)
    cover = np.clip(0.5 + (edge - distance) / tilt * resolution, 0, 1)
    return _Outline(x, y, distance / edge, cover)


def _object(traits: FloatArray, outline: _Outline) -> FloatArray:
    """Colours ``[N, 3, H, W]``: a strong hue, darker stripes, light from one side."""
    hue, saturation, value = traits[:, 12], 0.6 + 0.4 * traits[:, 13], 0.6 + 0.4 * traits[:, 14]
    angle = 2 * np.pi * traits[:, 15]
    along = outline.x * np.cos(angle) + outline.y * np.sin(angle)
    across = outline.y * np.cos(angle) - outline.x * np.sin(angle)
    stripes = np.sin(2 * np.pi * ((3 + 3 * traits[:, 16]) * along + traits[:, 17]))
    shading = 0.88 + 0.12 * stripes + 0.3 * across - 0.22 * outline.depth * outline.depth
    colour: FloatArray = _rgb(hue, saturation, value) * shading[:, None]
    return colour


def _background(traits: FloatArray, grain: FloatArray) -> FloatArray:
    """Colours ``[N, 3, H, W]``: a pale tint, a mild gradient, grain."""
    tint = _rgb(traits[:, 0], 0.3 * traits[:, 1], 0.35 + 0.5 * traits[:, 2])
    side = grain.shape[-1]
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    angle, steepness = 2 * np.pi * traits[:, 3], 0.04 * traits[:, 4]
    light = steepness * (np.cos(angle) * axis + np.sin(angle) * axis[:, None])
    light += (0.03 + 0.03 * traits[:, 5]) * grain
    colour: FloatArray = tint + light[:, None]
    return colour


def _rgb(hue: FloatArray, saturation: FloatArray, value: FloatArray) -> FloatArray:
    """Colours ``[N, 3, 1, 1]`` in [0, 1] from hue, saturation and value ``[N, 1, 1]``."""
    thirds = np.array([0, 2 / 3, 1 / 3], dtype=np.float32)[:, None, None]
    pure = np.clip(np.abs((hue[:, None] + thirds) % 1 * 6 - 3) - 1, 0, 1)
    colour: FloatArray = value[:, None] * (1 - saturation[:, None] * (1 - pure))
    return colour
