"""Annotators as methods: their masks are what is scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch import Tensor

from l4f_bench.annotators.choice import annotator_config
from l4f_bench.annotators.contracts import Annotator
from l4f_bench.annotators.loading import open_annotator
from l4f_bench.devices import choose_device


class AnnotatingMethod:
    """An annotator on the other side of the scales; whether it accepts an image does not matter."""

    def __init__(self, annotator: Annotator) -> None:
        """Score ``annotator``."""
        self._annotator = annotator
        self.side_by_side = bool(getattr(annotator, "side_by_side", False))

    def segment(self, image: Tensor) -> Tensor:
        """See :class:`ImageMethod`."""
        return self._annotator.annotate(image).mask[:, None].float().cpu()


def load_annotating(
    name: str, dataset: str, *, weights: Path | None = None, device: str | None = None
) -> tuple[AnnotatingMethod, dict[str, str]]:
    """An annotator as a method; arguments and errors as for ``load_image_method``."""
    config = replace(annotator_config(name, dataset), weights=weights)
    annotator, digests = open_annotator(config, choose_device(device), dataset=dataset)
    return AnnotatingMethod(annotator), digests
