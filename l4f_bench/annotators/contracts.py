"""What an annotator must do and return, and what one that parses images needs of a network."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self, runtime_checkable

from torch import Tensor, nn

from l4f_bench.tensors import StateDict

Reason = Literal["no-instance", "several-instances", "too-small"]
"""Why an image is not fit to be scored against the annotator."""

Normalisation = Literal["imagenet", "unit"]
"""How pixels come to a network: as parts of 255, normalised by the statistics of ImageNet, or not.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Annotation:
    """Pseudo ground truth of a batch."""

    mask: Tensor
    """bool ``[N, H, W]``, True = foreground; rejected images have one as well."""
    reason: tuple[Reason | None, ...]
    """Why each image is rejected; None for an accepted one."""
    score: tuple[float | None, ...] = ()
    """How sure the annotator is of each image's object, 0 to 1; empty where it does not say."""

    def __post_init__(self) -> None:
        assert len(self.reason) == len(self.mask), "one reason, or None, for each mask"
        assert len(self.score) in (0, len(self.mask)), "a score for each mask, or none at all"

    @property
    def accepted(self) -> tuple[bool, ...]:
        """Which images are fit to be scored."""
        return tuple(reason is None for reason in self.reason)


class Annotator(Protocol):
    """Says where the foreground is in any image.

    Where it may be called from several threads at once, and images are so small that each is best
    computed on one core, it says so by an attribute ``side_by_side`` that is true; by another,
    ``block_size``, how many it computes together (:mod:`l4f_bench.blocks`).
    """

    def annotate(self, image: Tensor) -> Annotation:
        """Masks of a batch at its own size; one image's result does not depend on the others.

        Args:
            image: uint8 ``[N, 3, H, W]`` RGB.

        Raises:
            InputError: ``image`` has another layout.
        """


@runtime_checkable
class Parser(Protocol):
    """An annotator that gives every pixel a class, of which some are foreground."""

    @property
    def foreground(self) -> tuple[str, ...]:
        """Names of the classes that are foreground."""

    def class_map(self, image: Tensor) -> Tensor:
        """Class of every pixel by index, uint8 ``[N, H, W]``; ``image`` as for an annotator."""


class ParsingNetwork(nn.Module, ABC):
    """A network that scores the classes of every pixel."""

    normalisation: ClassVar[Normalisation]
    """What the published network of this kind reads."""
    num_classes: int

    @classmethod
    @abstractmethod
    def from_state_dict(cls, state_dict: StateDict) -> Self:
        """Build a network of the tensors' sizes with their values, in eval mode.

        Raises:
            InputError: This is another network, or keys are missing, unexpected or misshapen.
        """

    @staticmethod
    @abstractmethod
    def has_keys_of(state_dict: StateDict) -> bool:
        """Whether these are the keys of such a network."""

    @abstractmethod
    def scores(self, x: Tensor) -> Tensor:
        """Scores of the classes, ``[N, num_classes, H, W]``, of an image ``[N, 3, H, W]``."""
