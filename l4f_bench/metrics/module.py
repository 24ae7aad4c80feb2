"""The same scores as a ``torchmetrics.Metric``, for training loops and distributed evaluation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from l4f_bench.arrays import check_same_shape
from l4f_bench.errors import InputError
from l4f_bench.metrics.counts import NUM_LEVELS
from l4f_bench.metrics.protocols import PROTOCOLS, finish, image_statistics
from l4f_bench.metrics.thresholds import threshold_steps


class MaskScores(Metric):
    """Foreground/background scores of soft or hard masks under a named protocol.

    States are sums (counts in int64), so processes add up to what one process would count.

    >>> import torch
    >>> metric = MaskScores("l4f")
    >>> metric.update(torch.tensor([[[0.9, 0.2]]]), torch.tensor([[[True, False]]]))
    >>> float(metric.compute()["iou_fg"])
    1.0
    """

    full_state_update = False
    is_differentiable = False
    higher_is_better = True

    counts: Tensor
    statistics: Tensor
    num_images: Tensor

    def __init__(self, protocol: str = "l4f", *, threshold: float = 0.5, **kwargs: Any) -> None:
        """Count nothing yet.

        Args:
            protocol: Name of an entry of ``PROTOCOLS``.
            threshold: A soft prediction is foreground where it is greater than this.
            kwargs: Options of ``torchmetrics.Metric`` (synchronisation).

        Raises:
            InputError: No protocol has that name.
        """
        super().__init__(**kwargs)
        self.protocol = PROTOCOLS.get(protocol)
        self.threshold = threshold
        no_image = torch.zeros(1, 4, dtype=torch.int64), torch.zeros(1, 2, NUM_LEVELS).long()
        size = image_statistics(self.protocol, *(tensor.numpy() for tensor in no_image)).shape[1]
        self.add_state("counts", torch.zeros(4, dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("statistics", torch.zeros(size, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("num_images", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Count a batch.

        Args:
            preds: Masks, bool, or soft masks, float in [0, 1]; ``[N, H, W]`` or ``[N, 1, H, W]``.
            target: True masks, bool, of the same shape.

        Raises:
            InputError: The shapes differ or are not of this form, or target is not bool.
        """
        preds, target = _planes(preds), _planes(target)
        check_same_shape(preds, target)
        if target.dtype != torch.bool:
            raise InputError(f"The true masks must be bool, not {target.dtype}.")
        hard = preds if preds.dtype == torch.bool else preds > self.threshold
        counts = torch.stack(
            [(a & b).sum((1, 2)) for a, b in _cells(hard, target)], dim=1
        )  # [N, 4]
        levels = _count_levels(preds, target) if self.protocol.f_measure else None
        statistics = image_statistics(
            self.protocol,
            counts.cpu().numpy(),
            None if levels is None else levels.cpu().numpy(),
        )
        self.counts += counts.sum(0)
        self.statistics += torch.from_numpy(statistics.sum(0)).to(self.statistics)
        self.num_images += len(preds)

    def compute(self) -> dict[str, Tensor]:
        """Scores of everything counted so far.

        Returns:
            One float64 scalar per key of the protocol; NaN where undefined.

        Raises:
            InputError: Nothing was counted yet.
        """
        num_images = int(self.num_images)
        if not num_images:
            raise InputError("No mask has been counted yet: call update() first.")
        counts = self.counts.double().cpu().numpy()
        scores = finish(self.protocol, counts, self.statistics.cpu().numpy(), num_images)
        return {
            key: torch.tensor(float(value), dtype=torch.float64) for key, value in scores.items()
        }


def _planes(masks: Tensor) -> Tensor:
    """Masks as ``[N, H, W]``."""
    planes = masks.squeeze(1) if masks.ndim == 4 and masks.shape[1] == 1 else masks
    if planes.ndim != 3:
        raise InputError(f"Masks must be [N, H, W] or [N, 1, H, W]; got {tuple(masks.shape)}.")
    return planes


def _cells(preds: Tensor, target: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Pairs whose conjunctions are tp, fp, fn, tn."""
    return [(preds, target), (preds, ~target), (~preds, target), (~preds, ~target)]


def _count_levels(preds: Tensor, target: Tensor) -> Tensor:
    """Histogram ``[N, 2, 256]`` of the thresholds exceeded, by true class."""
    steps = threshold_steps(preds)
    image = torch.arange(len(preds), device=preds.device)[:, None, None]
    bins = (image * 2 + target.long()) * NUM_LEVELS + steps
    counts = torch.bincount(bins.flatten(), minlength=len(preds) * 2 * NUM_LEVELS)
    return counts.view(len(preds), 2, NUM_LEVELS)
