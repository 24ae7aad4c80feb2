"""Which annotator makes the pseudo ground truth, and the rule that it follows."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from l4f_bench.annotators.rejection import RejectionRule
from l4f_bench.annotators.specs import ANNOTATORS, AnnotatorSpec
from l4f_bench.datasets.specs import DATASETS, spec_of
from l4f_bench.errors import InputError

GIVEN = ("human", "exact")
"""Masks that come with their images."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorConfig:
    """What makes the pseudo ground truth, and which images it accepts."""

    name: str
    """Key of the annotator."""
    weights: Path | None = None
    """Its checkpoint; None takes an embedded or cached one."""
    rule: RejectionRule = field(default_factory=RejectionRule)
    """The object that is wanted, and which images are rejected."""
    foreground: tuple[str, ...] = ()
    """Classes of a parser that are foreground; none for all but the background."""
    screen: AnnotatorConfig | None = None
    """A detector that must accept an image as well; it gives no masks."""

    def __post_init__(self) -> None:
        """Refuse what says nothing of this annotator."""
        spec = computed_annotator(self.name)
        if self.foreground and spec.detects:
            raise InputError(f"--foreground names classes of a parser; {self.name} is not one.")
        if self.rule.target_class is not None and not spec.detects:
            raise InputError(f"--class applies to detectors; {self.name} is not one. Leave it out.")


def computed_annotator(name: str) -> AnnotatorSpec:
    """The annotator of that name, which can be run on any image.

    Raises:
        InputError: There is none, or its masks come with their images.
    """
    if name in GIVEN:
        raise InputError(
            f"{name.capitalize()} masks come with their images and can be made for no others. "
            "l4f-bench eval images scores against them."
        )
    return ANNOTATORS.get(name)


def usual_annotator(dataset: str, screen: str | None = None) -> AnnotatorConfig:
    """The annotator that the paper names for a data set, with its rejection rule.

    Args:
        dataset: Key of the data set.
        screen: Key of a detector that must accept images as well.

    Raises:
        InputError: The data set has none.
    """
    spec = DATASETS.get(dataset)
    if spec.annotator is None:
        ready = ", ".join(entry.name for entry in DATASETS if entry.annotator)
        raise InputError(f"{spec.title} has no annotator. Data sets that have one: {ready}.")
    config = annotator_config(spec.annotator, dataset)
    return replace(config, screen=annotator_config(screen, dataset) if screen else None)


def annotator_config(name: str, dataset: str) -> AnnotatorConfig:
    """An annotator with the rejection rule of a data set.

    Raises:
        InputError: No annotator has that name, its masks come with their images, or it needs a
            class that the data set lacks.
    """
    entry, spec = computed_annotator(name), spec_of(dataset)
    if entry.detects and spec.target_class is None:
        raise InputError(
            f"{entry.title} finds objects of COCO's classes; none is known of {spec.title}. Make "
            "masks with `l4f-bench annotate --class NAME`, and give their folder."
        )
    target_class = spec.target_class if entry.detects else None
    return AnnotatorConfig(
        name=name,
        rule=RejectionRule(
            target_class=target_class, min_area=spec.min_area, one_piece=spec.one_piece
        ),
    )


def with_min_score(config: AnnotatorConfig, min_score: float) -> AnnotatorConfig:
    """The same with another least score of the detector, or of the detector that screens.

    Raises:
        InputError: Neither is there, or the score is out of range.
    """
    if ANNOTATORS.get(config.name).detects:
        return replace(config, rule=replace(config.rule, min_score=min_score))
    if config.screen is not None:
        return replace(config, screen=with_min_score(config.screen, min_score))
    raise InputError(f"--min-score applies to detectors; {config.name} is not one. Leave it out.")
