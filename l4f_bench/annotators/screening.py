"""An annotator whose images a detector must accept first."""

from __future__ import annotations

from torch import Tensor

from l4f_bench.annotators.contracts import Annotation, Annotator, Parser


class Screened:
    """Masks of one annotator, for the images that another accepts as well.

    Source: Labels4Free, Table 1: samples of PSeg, which can be of low quality, are only scored
    where Detectron2 finds a person.
    """

    def __init__(self, annotator: Annotator, screen: Annotator) -> None:
        """Take masks from ``annotator``; ``screen`` only says which images are fit."""
        self._annotator, self._screen = annotator, screen
        self.side_by_side = all(getattr(one, "side_by_side", False) for one in (annotator, screen))

    @property
    def foreground(self) -> tuple[str, ...]:
        """Names of the classes that are foreground; none unless the annotator is a parser."""
        return self._annotator.foreground if isinstance(self._annotator, Parser) else ()

    def annotate(self, image: Tensor) -> Annotation:
        """See :class:`Annotator`; scores and the first reason are the screen's."""
        annotation, screened = self._annotator.annotate(image), self._screen.annotate(image)
        return Annotation(
            mask=annotation.mask,
            reason=tuple(
                theirs or own
                for own, theirs in zip(annotation.reason, screened.reason, strict=True)
            ),
            score=screened.score,
        )
