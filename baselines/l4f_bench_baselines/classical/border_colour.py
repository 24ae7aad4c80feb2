"""What has other colours than the image's border is foreground."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

NUM_COLOURS = 32
"""Colours that stand for the border's. Fewer miss parts of a busy background; more take longer, and
find hardly more on the custom set."""

_LEVELS = 256

FloatArray = npt.NDArray[np.float64]


class BorderColour:
    """Distance from the nearest colour of the border, cut where Otsu's method cuts it.

    Alpha is the distance, stretched so that 0 stays 0, Otsu's threshold is 0.5 and the largest
    distance 1. Where all pixels are as far, as in an image of one colour, it is 0.
    """

    side_by_side = True  # NumPy computes all of this on one core

    def __init__(self, num_colours: int = NUM_COLOURS) -> None:
        """Let so many colours stand for the border's; one is their mean."""
        self._num_colours = num_colours

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`l4f_bench.methods.contracts.ImageMethod`."""
        alphas = [_alpha(pixels.transpose(1, 2, 0), self._num_colours) for pixels in image.numpy()]
        return torch.from_numpy(np.stack(alphas)[:, None].astype(np.float32))


def otsu_level(levels: npt.NDArray[np.uint8]) -> int | None:
    """The level up to which values are of the lower class; None where there is one level only.

    Source: Otsu, A threshold selection method from gray-level histograms (1979): the variance
    between the classes is largest.
    """
    counts = np.bincount(levels.ravel(), minlength=_LEVELS).astype(np.float64)
    below = counts.cumsum()
    sums = (counts * np.arange(_LEVELS)).cumsum()
    parts = below * (below[-1] - below)
    apart = (sums[-1] * below - sums * below[-1]) ** 2
    variance = np.divide(apart, parts, out=np.zeros(_LEVELS), where=parts > 0)
    return int(variance.argmax()) if variance.any() else None


def _alpha(pixels: npt.NDArray[np.uint8], num_colours: int) -> FloatArray:
    """Alpha ``[H, W]`` of an image ``[H, W, 3]``."""
    distance = _distance(pixels, _border_colours(pixels, num_colours))
    largest = distance.max()
    if not largest:
        return distance
    level = otsu_level(np.rint(distance / largest * (_LEVELS - 1)).astype(np.uint8))
    if level is None:
        return np.zeros_like(distance)
    threshold = (level + 0.5) / (_LEVELS - 1) * largest
    alpha: FloatArray = np.interp(distance, [0, threshold, largest], [0, 0.5, 1])
    return alpha


def _border_colours(pixels: npt.NDArray[np.uint8], num_colours: int) -> FloatArray:
    """Colours ``[K, 3]`` that stand for those of the outermost pixels, by median cut."""
    rows, columns = pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)
    colours = np.concatenate([rows, columns])
    if num_colours == 1:
        mean: FloatArray = colours.mean(axis=0, keepdims=True)
        return mean
    border = Image.fromarray(colours[None])
    reduced = border.quantize(num_colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette: FloatArray = np.array(reduced.getpalette(), dtype=np.float64).reshape(-1, 3)
    used: FloatArray = palette[np.unique(np.asarray(reduced))]
    return used


def _distance(pixels: npt.NDArray[np.uint8], colours: FloatArray) -> FloatArray:
    """Distance ``[H, W]`` of every pixel from the nearest of some colours."""
    nearest = np.full(pixels.shape[:2], np.inf)
    for colour in colours:  # one at a time: an image times its border's colours may be huge
        np.minimum(nearest, ((pixels - colour) ** 2).sum(-1), out=nearest)
    distance: FloatArray = np.sqrt(nearest)
    return distance


def load_border_mean() -> BorderColour:
    """Distance from the mean colour of the border."""
    return BorderColour(num_colours=1)
