"""Which images are fit to be scored: those that show exactly one object of the wanted class.

Source: Labels4Free, section 4.7: samples that Mask R-CNN does not identify are rejected, and "for
simplicity" those with several objects too. The paper does not state a score threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from l4f_bench.annotators.coco import class_index
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

    from l4f_bench.annotators.contracts import Annotation, Reason

MIN_SCORE = 0.5
"""Score that an object has to exceed by default, as in detectron2's demonstration."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RejectionRule:
    """When an image is accepted."""

    target_class: str | None = None
    """Class of COCO that exactly one object must have; None for annotators that parse images."""
    min_score: float = MIN_SCORE
    """Objects of a class count if they score more than this, 0 to 1."""
    min_area: float = 0.0
    """Smallest fraction of the image that the foreground may cover, 0 to 1."""
    one_piece: bool = False
    """Whether annotators that parse images reject a foreground in several connected pieces."""

    def __post_init__(self) -> None:
        """Refuse unknown classes and impossible numbers."""
        if self.target_class is not None:
            class_index(self.target_class)
        for name in ("min_score", "min_area"):
            checked_fraction(name, getattr(self, name))

    @property
    def class_index(self) -> int:
        """Index of the class.

        Raises:
            InputError: None is named.
        """
        if self.target_class is None:
            raise InputError("A detector finds objects of 80 classes: name one with --class.")
        return class_index(self.target_class)


@dataclass(frozen=True, kw_only=True, slots=True)
class Instances:
    """Objects that a network found in one image."""

    labels: Tensor
    """Class of each by index, int64 ``[n]``."""
    scores: Tensor
    """float32 ``[n]`` in 0 to 1."""
    union: Callable[[Tensor], Tensor]
    """The pixels of any of the objects whose indices, int64 ``[k]``, are given: bool ``[H, W]``.

    A function, since most objects are not wanted and masks are the dear part.
    """


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the rule says of one image."""

    mask: Tensor
    """All objects of the class that count, bool ``[H, W]``."""
    reason: Reason | None
    """Why the image is rejected; None if it is accepted."""
    num_instances: int
    """Objects of the class that count."""
    score: float | None
    """Score of the surest of them; None if there is none."""
    area: float
    """Part of the image that the mask covers."""


def checked_fraction(name: str, value: float) -> float:
    """``value`` if it is between 0 and 1.

    Raises:
        InputError: It is not.
    """
    if not 0 <= value <= 1:
        option = f"--{name.replace('_', '-')}"
        raise InputError(f"{name} ({option} {value:g}) is out of range: use 0 to 1.")
    return value


def rule_of(dataset: str) -> RejectionRule:
    """The rule for a data set of the paper.

    Raises:
        InputError: The data set is unknown, or its object has no class of COCO.
    """
    spec = DATASETS.get(dataset)
    if spec.target_class is None:
        raise InputError(f"The objects of {spec.title} have no class of COCO.")
    return RejectionRule(target_class=spec.target_class)


def whole_masks(labels: Tensor, scores: Tensor, masks: Tensor) -> Instances:
    """Instances whose masks, bool ``[n, H, W]``, are already there."""
    return Instances(labels=labels, scores=scores, union=lambda index: masks[index].any(0))


def judge(instances: Instances, rule: RejectionRule) -> Verdict:
    """Apply a rule to one image. Only the masks of objects that count are asked for."""
    counts = (instances.labels == rule.class_index) & (instances.scores > rule.min_score)
    index = counts.nonzero()[:, 0]
    mask = instances.union(index)
    area = float(mask.count_nonzero()) / mask.numel()
    return Verdict(
        mask=mask,
        reason=_reason(len(index), area, rule),
        num_instances=len(index),
        score=float(instances.scores[index].max()) if len(index) else None,
        area=area,
    )


def as_annotation(verdicts: Sequence[Verdict]) -> Annotation:
    """Verdicts on images of one size as the annotation of a batch."""
    import torch

    from l4f_bench.annotators.contracts import Annotation

    return Annotation(
        mask=torch.stack([verdict.mask for verdict in verdicts]),
        reason=tuple(verdict.reason for verdict in verdicts),
        score=tuple(verdict.score for verdict in verdicts),
    )


def _reason(num_instances: int, area: float, rule: RejectionRule) -> Reason | None:
    if num_instances != 1:
        return "several-instances" if num_instances else "no-instance"
    return "too-small" if area < rule.min_area else None
