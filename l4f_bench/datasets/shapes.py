"""Drawn worlds with exact masks, image i from the seed and i alone; ``SHAPES`` is the one to use.

An object is a shaded, striped, star-shaped outline of one tone. The background is stationary
speckle: every pixel is a mixture of three tones, by two fields of noise. So a StyleGAN2 can paint
it once its first layer is zeroed. All tones of an image are drawn independently and, in ``SHAPES``,
from the same range of colours. Neither a colour nor a place gives the object away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from l4f_bench.seeds import random_numbers

FloatArray = npt.NDArray[np.float32]

EDITION = 2
"""Counts the worlds that ``shapes`` has been; part of what says which images they are."""

HELD_OUT = 1 << 32
"""Training draws the worlds of seeds from 0 up; no image of it is met again from this seed on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tones:
    """Colours of any hue, with saturation and value from a range; all in [0, 1]."""

    saturation: tuple[float, float]
    value: tuple[float, float]

    def draw(self, traits: FloatArray) -> FloatArray:
        """Colours ``[N, 3, 1, 1]`` in [0, 1] from uniform numbers ``[N, 3, 1, 1]``."""
        hue, saturation, value = (traits[:, index, None] for index in range(3))
        saturation = self.saturation[0] + np.ptp(self.saturation) * saturation
        value = self.value[0] + np.ptp(self.value) * value
        thirds = np.array([0, 2 / 3, 1 / 3], dtype=np.float32)[:, None, None]
        pure = np.clip(np.abs((hue + thirds) % 1 * 6 - 3) - 1, 0, 1)
        colour: FloatArray = value * (1 - saturation * (1 - pure))
        return colour.astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What images of a world have in common."""

    area: tuple[float, float]
    """Smallest and largest share of the image that a lone object covers."""
    shift: float
    """Largest distance of its centre from the image's along an axis, as a share of the side."""
    object_tones: Tones
    """Colours of objects."""
    background_tones: Tones
    """Colours that backgrounds are mixed of."""
    speckle: float
    """Standard deviation of the noise that mixes them; at 1 it goes from one tone to the next."""
    empty: float = 0.0
    """Share of images without an object."""
    pairs: float = 0.0
    """Share of images with two objects, each of a third of the area, side by side."""


_TONES = Tones(saturation=(0.3, 0.8), value=(0.5, 0.7))
SHAPES = World(
    area=(0.10, 0.34),
    shift=0.16,
    object_tones=_TONES,
    background_tones=_TONES,
    speckle=0.2,
    empty=0.02,
    pairs=0.03,
)
"""The data set ``shapes``: chosen as the hardest that its generator can paint."""

_DERIVATIVE = 1j * np.array([2, 3, 4, 5], dtype=np.complex64)[:, None, None]  # of d ** 2, …
_LARGEST_BULGE = 0.25  # of the mean radius
_PAIR_AREA, _PAIR_OFFSET = 1 / 3, 0.23  # of a lone object's area; of the side, from the middle
_BLUR = np.array([1, 4, 6, 4, 1], dtype=np.float32)  # speckle of a pixel or two
_BLUR /= np.linalg.norm(_BLUR)  # which keeps the variance of white noise
_MARGIN = len(_BLUR) - 1
# Uniform numbers of an image: of the scene, of each of two outlines, of the colours.
_SCENE, _OUTLINE, _OBJECT, _BACKGROUND = 5, 9, 6, 9


@dataclass(frozen=True, slots=True)
class _Cover:
    """Where the pixels of a batch lie, seen from the object; each ``[N, H, W]``."""

    x: FloatArray
    """Offset from the object's centre; the image's side is 1."""
    y: FloatArray
    depth: FloatArray
    """Distance from the centre over that of the outline in this direction: below 1 inside."""
    share: FloatArray
    """Share of the pixel that the object covers, in [0, 1]."""


def shapes_batch(
    indices: Sequence[int], *, resolution: int, seed: int, world: World = SHAPES
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Images of a world and the exact masks of their objects.

    Args:
        indices: Which images, 0 or more; the same index gives the same image in any batch.
        resolution: Side of the images in pixels.
        seed: Seed of the whole world.
        world: What is drawn.

    Returns:
        Images, uint8 ``[N, 3, H, W]`` RGB, and masks, bool ``[N, H, W]``: True where objects cover
        at least half of the pixel.
    """
    traits, noise = _draw(indices, resolution, seed)
    ends = np.cumsum([_SCENE, _OUTLINE, _OUTLINE, _OBJECT])
    scene, first, second, coloured, behind = np.split(traits, ends, axis=1)
    cover = _objects(world, scene, (first, second), resolution)
    image = _background(world, behind, noise)
    image += cover.share[:, None] * (_colours(world, coloured, cover) - image)
    np.clip(image, 0, 1, out=image)
    image *= 255
    image += 0.5
    return image.astype(np.uint8), cover.share >= 0.5


def count_objects(indices: Sequence[int], *, seed: int, world: World = SHAPES) -> list[int]:
    """How many objects the images of :func:`shapes_batch` show: 0, 1 or 2."""
    return [int(number) for number in _numbers(world, _draw(indices, 0, seed)[0])[:, 0, 0]]


def _draw(indices: Sequence[int], resolution: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Uniform numbers in [0, 1) ``[N, traits, 1, 1]``, standard normal ones ``[N, 2, H', W']``."""
    count, side = _SCENE + 2 * _OUTLINE + _OBJECT + _BACKGROUND, resolution + _MARGIN
    traits = np.empty((len(indices), count), dtype=np.float32)
    noise = np.empty((len(indices), 2, side, side), dtype=np.float32)
    for row, index in enumerate(indices):
        source = random_numbers(seed=seed, index=index)
        source.random(out=traits[row], dtype=np.float32)
        source.standard_normal(out=noise[row], dtype=np.float32)
    return traits[:, :, None, None], noise


def _numbers(world: World, traits: FloatArray) -> npt.NDArray[np.int64]:
    """How many objects each image shows ``[N, 1, 1]``."""
    chance = traits[:, 0]
    is_pair = chance >= 1 - world.pairs
    return np.where(chance < world.empty, 0, np.where(is_pair, 2, 1))


def _objects(
    world: World, scene: FloatArray, outlines: tuple[FloatArray, FloatArray], resolution: int
) -> _Cover:
    """Cover of all objects; a pixel belongs to the one in which it lies deeper."""
    number = _numbers(world, scene)
    centre = (scene[:, 1:3] - 0.5) * (2 * world.shift)
    angle = 2 * np.pi * scene[:, 3:4]
    apart = (
        _PAIR_OFFSET
        * (number[:, None] == 2)
        * np.concatenate([np.cos(angle), np.sin(angle)], axis=1)
    )
    area = world.area[0] + (world.area[1] - world.area[0]) * scene[:, 4]
    area = np.where(number == 2, _PAIR_AREA, 1) * area
    cover = _outline(outlines[0], centre + apart, area, resolution)
    cover.share[number[:, 0, 0] == 0] = 0
    pairs = np.flatnonzero(number == 2)
    other = _outline(outlines[1][pairs], (centre - apart)[pairs], area[pairs], resolution)
    deeper = other.depth < cover.depth[pairs]
    for field in ("x", "y", "depth", "share"):
        mine = getattr(cover, field)
        mine[pairs] = np.where(deeper, getattr(other, field), mine[pairs])
    return cover


def _outline(traits: FloatArray, centre: FloatArray, area: FloatArray, resolution: int) -> _Cover:
    """Outline r(t) = R (1 + sum of a_k cos(k t + p_k)), of exactly the given area."""
    axis = ((np.arange(resolution, dtype=np.float32) + 0.5) / resolution)[None] - 0.5
    shape = (len(traits), resolution, resolution)
    x, y = np.empty((2, *shape), dtype=np.float32)
    x[:] = axis[:, None, :] - centre[:, 0]
    y[:] = axis[:, :, None] - centre[:, 1]
    distance = np.sqrt(x * x + y * y) + 1e-6
    direction = np.empty(shape, dtype=np.complex64)
    direction.real, direction.imag = x / distance, y / distance

    sizes = traits[:, 1:5] / np.arange(1, 5, dtype=np.float32)[:, None, None]  # smooth: 1/k
    sizes *= (0.06 + (_LARGEST_BULGE - 0.06) * traits[:, 0:1]) / sizes.sum(axis=1, keepdims=True)
    waves = (sizes * np.exp(2j * np.pi * traits[:, 5:9])).astype(np.complex64)
    bulge = _series(waves, direction).real
    slope = _series(waves * _DERIVATIVE, direction).real

    radius = np.sqrt(area / (np.pi * (1 + 0.5 * (sizes * sizes).sum(axis=1))))
    edge = (radius * (1 + bulge)).astype(np.float32)
    # Distance from a nearly straight edge, in pixels, is what the object misses of a pixel.
    tilt = np.sqrt(1 + (radius * slope / edge) ** 2)
    share = np.clip(0.5 + (edge - distance) / tilt * resolution, 0, 1).astype(np.float32)
    return _Cover(x, y, distance / edge, share)


def _series(
    waves: npt.NDArray[np.complex64], direction: npt.NDArray[np.complex64]
) -> npt.NDArray[np.complex64]:
    """The sum of ``waves[:, k - 2] * direction ** k`` ``[N, H, W]``, by Horner's rule."""
    total = waves[:, -1] * direction
    for row in range(waves.shape[1] - 2, -1, -1):
        total += waves[:, row]
        total *= direction
    total *= direction
    return total


def _colours(world: World, traits: FloatArray, cover: _Cover) -> FloatArray:
    """Colours of objects ``[N, 3, H, W]``: one tone, darker stripes, light from one side."""
    angle = 2 * np.pi * traits[:, 3]
    along = cover.x * np.cos(angle) + cover.y * np.sin(angle)
    across = cover.y * np.cos(angle) - cover.x * np.sin(angle)
    stripes = np.sin(2 * np.pi * ((3 + 3 * traits[:, 4]) * along + traits[:, 5]))
    shading = 1.1 + 0.12 * stripes + 0.15 * across - 0.2 * np.minimum(cover.depth, 2) ** 2
    colour: FloatArray = world.object_tones.draw(traits[:, 0:3]) * shading[:, None]
    return colour


def _background(world: World, traits: FloatArray, noise: FloatArray) -> FloatArray:
    """Colours of backgrounds ``[N, 3, H, W]``: three tones mixed by two fields of noise."""
    tone, *others = (world.background_tones.draw(traits[:, at : at + 3]) for at in (0, 3, 6))
    middle: FloatArray = (tone + others[0]) * np.float32(0.5)
    fields = _blurred(noise)
    fields *= world.speckle
    image: FloatArray = middle + fields[:, 0:1] * (others[0] - tone)
    image += fields[:, 1:2] * (others[1] - middle)
    return image


def _blurred(noise: FloatArray) -> FloatArray:
    """Noise of neighbouring pixels that are alike, without the margin that this takes."""
    for axis in (2, 3):
        side = noise.shape[axis] - _MARGIN
        parts = (noise.take(range(at, at + side), axis) for at in range(len(_BLUR)))
        noise = sum(weight * part for weight, part in zip(_BLUR, parts, strict=True))
    return noise
