"""Annotators whose every result is checked before anything is made of it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from l4f_bench.annotators.contracts import Annotation, Annotator, Parser
from l4f_bench.errors import InputError
from l4f_bench.registry import capitalised, code_of_others


class CheckedAnnotator:
    """An annotator that refuses to return what breaks the contract."""

    def __init__(self, annotator: Annotator, what: str) -> None:
        """Check ``annotator``, which messages call ``what``."""
        self._annotator, self._what = annotator, what
        self.side_by_side = bool(getattr(annotator, "side_by_side", False))
        self.block_size = getattr(annotator, "block_size", 1)

    def annotate(self, image: Tensor) -> Annotation:
        """See :class:`Annotator`.

        Raises:
            InputError: The annotator fails, or breaks the contract.
        """
        with code_of_others(self._what):
            annotation = self._annotator.annotate(image)
        fault = _fault(annotation, image)
        if fault is not None:
            raise InputError(
                f"{capitalised(self._what)} breaks the contract of annotators: {fault}, where an "
                "Annotation with a mask bool [N, H, W] is due."
            )
        return annotation


class CheckedParser(CheckedAnnotator):
    """The same of a parser."""

    def __init__(self, parser: Any, what: str) -> None:
        """Check ``parser``, an annotator and a :class:`Parser`."""
        super().__init__(parser, what)
        self._parser: Parser = parser

    @property
    def foreground(self) -> tuple[str, ...]:
        """See :class:`Parser`."""
        return self._parser.foreground

    def class_map(self, image: Tensor) -> Tensor:
        """See :class:`Parser`.

        Raises:
            InputError: The parser fails.
        """
        with code_of_others(self._what):
            return self._parser.class_map(image)


def checked(annotator: Annotator, what: str) -> Annotator:
    """The annotator, with its results checked."""
    kind = CheckedParser if isinstance(annotator, Parser) else CheckedAnnotator
    return kind(annotator, what)


def _fault(annotation: Any, image: Tensor) -> str | None:
    """What is wrong with a result for ``image``, if anything is."""
    if not isinstance(annotation, Annotation):
        return f"it returns {type(annotation).__name__}"
    mask, due = annotation.mask, [len(image), *image.shape[2:]]
    if not isinstance(mask, Tensor):
        return f"its mask is {type(mask).__name__}"
    if mask.dtype != torch.bool or list(mask.shape) != due:
        dtype = str(mask.dtype).removeprefix("torch.")
        return f"its mask is {dtype} {list(mask.shape)}"
    return None
