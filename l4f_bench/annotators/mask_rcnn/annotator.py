"""Masks of one kind of object by a Mask R-CNN of any origin, with the rule that rejects images."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from l4f_bench.annotators.contracts import Annotation
from l4f_bench.annotators.images import as_rgb
from l4f_bench.annotators.rejection import Instances, RejectionRule, Verdict, as_annotation, judge
from l4f_bench.errors import InputError


class Detector(Protocol):
    """A network that finds objects of COCO's classes in one image."""

    @property
    def num_classes(self) -> int:
        """Classes without the background."""

    def instances(self, image: Tensor, min_score: float) -> Instances:
        """Objects that score more than ``min_score``.

        Args:
            image: uint8 ``[3, H, W]``, RGB.
            min_score: 0 to 1.
        """


class MaskRcnnAnnotator:
    """Annotator whose mask is the one object of the wanted class.

    Images are taken one at a time: memory does not grow with the batch, and no result depends on
    another image.
    """

    def __init__(self, detector: Detector, rule: RejectionRule) -> None:
        """Use ``detector`` on its own device.

        Raises:
            InputError: The network does not have the rule's class.
        """
        if detector.num_classes <= rule.class_index:
            raise InputError(
                f"This network has {detector.num_classes} classes; '{rule.target_class}' is number "
                f"{rule.class_index} of COCO's 80."
            )
        self.rule = rule
        self._detector = detector

    def annotate(self, image: Tensor) -> Annotation:
        """Masks and reasons of a batch; arguments as in ``verdicts``."""
        return as_annotation(self.verdicts(image))

    def verdicts(self, image: Tensor) -> list[Verdict]:
        """What the rule says of every image of a batch.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB; grey ``[N, 1, H, W]`` and RGBA are converted.

        Returns:
            One for each image; masks are bool ``[H, W]`` on the device of ``image``.

        Raises:
            InputError: ``image`` has another layout, or the batch is empty.
        """
        rgb = as_rgb(image)
        if not len(rgb):
            raise InputError("A batch without images cannot be annotated.")
        return [judge(self._detector.instances(one, self.rule.min_score), self.rule) for one in rgb]
