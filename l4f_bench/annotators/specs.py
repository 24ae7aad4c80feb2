"""The annotators by name, ours and those that installed packages offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from l4f_bench.registry import Registry


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorSpec:
    """One source of pseudo ground truth."""

    name: str
    """Key on the command line and in records."""
    title: str
    """Name in tables."""
    load: str
    """``"module:object"``: takes the path of the weights (None without any), the device, the
    :class:`RejectionRule` and the foreground classes, and returns an ``Annotator``."""
    weights: str | None
    """Name of its weights among those that can be fetched; None if it needs none, or a file."""
    detects: bool = False
    """Whether it finds objects of COCO's classes, so that one must be named."""
    needs: str | None = None
    """Package that it runs on, as it is imported."""


def _adopt(name: str, found: Any, reference: str) -> Any:
    """The entry of another package: an :class:`AnnotatorSpec`, or a function like its ``load``."""
    if isinstance(found, AnnotatorSpec) or not callable(found):
        return found
    return AnnotatorSpec(name=name, title=name, load=reference, weights=None)


ANNOTATORS: Registry[AnnotatorSpec] = Registry(
    "annotator", group="l4f_bench.annotators", adopt=_adopt
)
_DETECTORS = "l4f_bench.annotators.mask_rcnn.loading"
for _spec in (
    AnnotatorSpec(
        name="bisenet",
        title="BiSeNet",
        load="l4f_bench.annotators.parser_file:load_parsing_annotator",
        weights="bisenet",
    ),
    AnnotatorSpec(
        name="unet",
        title="U-Net",
        load="l4f_bench.annotators.parser_file:load_unet_annotator",
        weights=None,  # none are published for objects that are scored here
    ),
    AnnotatorSpec(
        name="mask-rcnn",
        title="Mask R-CNN R101-FPN",
        load=f"{_DETECTORS}:load_own",
        weights="mask-rcnn-r101",
        detects=True,
        needs="torchvision",
    ),
    AnnotatorSpec(
        name="detectron2",
        title="Mask R-CNN R101-FPN (run by detectron2)",
        load=f"{_DETECTORS}:load_detectron2",
        weights="mask-rcnn-r101",
        detects=True,
        needs="detectron2",
    ),
    AnnotatorSpec(
        name="torchvision",
        title="Mask R-CNN R50-FPN v2 of torchvision (another model)",
        load=f"{_DETECTORS}:load_torchvision",
        weights="torchvision-mask-rcnn",
        detects=True,
        needs="torchvision",
    ),
):
    ANNOTATORS.add(_spec)
