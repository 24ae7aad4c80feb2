"""Structural similarity of images (SSIM), by the two definitions that are in use.

Both have the same map: Gaussian windows of 11 pixels, sigma 1.5, population covariance, K 0.01 and
0.03. ``torchmetrics`` averages the whole map, with images mirrored at their edges; ``scikit-image``
leaves out the 5 pixels along the edges, where windows do not fit. They part at small sizes only.
Source: Wang et al., IEEE TIP 13(4), 2004; torchmetrics 1.9, ``structural_similarity_index_measure``
with ``data_range=1``; scikit-image 0.25, ``structural_similarity`` with ``gaussian_weights``,
``sigma=1.5``, ``use_sample_covariance=False`` and ``data_range=1``.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from l4f_bench.errors import InputError
from l4f_bench.metrics.ssim_definitions import DEFINITIONS

_SIGMA, _RADIUS = 1.5, 5
_C1, _C2 = 0.01**2, 0.03**2
_BLOCK = 32  # outputs of a filter at a time; it reads 42 inputs for them, and not the whole row


class SimilarityTo:
    """SSIM to one image, whose own means and variances are computed once."""

    def __init__(self, target: Tensor) -> None:
        """Filter the image.

        Args:
            target: float ``[C, H, W]`` in [0, 1].

        Raises:
            InputError: It has another layout, or sides of less than 6 pixels.
        """
        if target.ndim != 3 or min(target.shape[1:]) <= _RADIUS:
            raise InputError(
                f"SSIM needs an image [C, H, W] of {_RADIUS + 1} pixels or more a side; got "
                f"{list(target.shape)}."
            )
        self._target = target
        self._filters = [_filter(side, target) for side in target.shape[1:]]
        self._mean, squares = self._blurred(torch.stack([target, target.square()]))
        self._variance = (squares - self._mean.square()).clamp_(min=0)

    def __call__(self, preds: Tensor) -> dict[str, Tensor]:
        """SSIM of images by definition, each ``[N]``; NaN where an image is all border.

        Args:
            preds: float ``[N, C, H, W]`` in [0, 1], of the target's size.
        """
        means = []
        for image in preds.unsqueeze(1):  # one at a time fits a processor's cache
            similarity = self.map(image)
            inner = similarity[..., _RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
            means.append(torch.stack([similarity.mean(), inner.mean()]))
        return dict(zip(DEFINITIONS, torch.stack(means, dim=1), strict=True))

    def map(self, preds: Tensor) -> Tensor:
        """SSIM at every pixel, ``[N, C, H, W]``; arguments as for a call."""
        products = torch.stack([preds, preds.square(), preds * self._target])
        mean, squares, cross = self._blurred(products)
        both = mean * self._mean
        mean_squares = mean.square_()
        variances = (squares - mean_squares).clamp_(min=0).add_(self._variance)
        covariance = cross.sub_(both)
        upper = both.mul_(2).add_(_C1) * covariance.mul_(2).add_(_C2)
        lower = mean_squares.add_(self._mean.square()).add_(_C1) * variances.add_(_C2)
        ratio: Tensor = upper.div_(lower)
        return ratio

    def _blurred(self, x: Tensor) -> Tensor:
        """``x`` ``[..., H, W]`` under the window."""
        rows, columns = self._filters
        x = torch.cat(
            [rows[read, write].T @ x[..., read, :] for read, write in _blocks(len(rows))], dim=-2
        )
        return torch.cat(
            [x[..., read] @ columns[read, write] for read, write in _blocks(len(columns))], dim=-1
        )


def _filter(side: int, like: Tensor) -> Tensor:
    """Matrix ``[side, side]`` that filters the rows it is multiplied to, mirrored at their ends."""
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    window = torch.exp(-offsets.square() / (2 * _SIGMA**2))
    window /= window.sum()
    matrix = torch.zeros(side, side, dtype=torch.float64)
    output = torch.arange(side)
    for offset, weight in zip(offsets.long(), window, strict=True):
        source = (output + offset).abs()
        source = side - 1 - (side - 1 - source).abs()
        matrix[source, output] += weight
    return matrix.to(like)


def _blocks(side: int) -> Iterator[tuple[slice, slice]]:
    """What to read for each block of outputs, and the block: the matrix is zero elsewhere."""
    for start in range(0, side, _BLOCK):
        stop = min(start + _BLOCK, side)
        yield slice(max(start - _RADIUS, 0), stop + _RADIUS), slice(start, stop)
