"""Whose masks are true: the options of an annotator, and what a record says of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from l4f_bench.annotators.choice import (
    AnnotatorConfig,
    annotator_config,
    usual_annotator,
    with_min_score,
)
from l4f_bench.annotators.rejection import MIN_SCORE
from l4f_bench.annotators.specs import ANNOTATORS
from l4f_bench.datasets.specs import spec_of
from l4f_bench.errors import InputError
from l4f_bench.evaluation.options import option
from l4f_bench.evaluation.records import AnnotatorFacts

if TYPE_CHECKING:
    from l4f_bench.annotators.contracts import Annotator


@dataclass(frozen=True, kw_only=True, slots=True)
class AnnotatorOptions:
    """Options of settings in which an annotator may say what is true; None for the usual."""

    annotator: str | None = option(
        "Annotator whose masks are true",
        usual="as in the paper",
    )
    annotator_weights: Path | None = option("Annotator's checkpoint", usual="embedded or cached")
    min_score: float | None = option("Least score of a detector's object", usual=f"{MIN_SCORE:g}")
    min_area: float | None = option(
        "Least fraction that a mask covers",
        usual="0, shapes 0.05",
    )
    foreground: tuple[str, ...] = option(
        "Foreground class of a parser; repeatable",
        (),
        usual="all but background",
    )

    def chosen_annotator(self, dataset: str, screen: str | None = None) -> AnnotatorConfig:
        """The annotator that is asked for.

        Raises:
            InputError: A name is unknown, or an option does not apply to the annotator.
        """
        usual = spec_of(dataset).annotator
        if self.annotator in (None, usual):
            source = usual_annotator(dataset, screen)
        else:
            assert self.annotator is not None
            source = annotator_config(self.annotator, dataset)
        rule = source.rule
        if self.min_area is not None:
            rule = replace(rule, min_area=self.min_area)
        source = replace(
            source, weights=self.annotator_weights, foreground=self.foreground, rule=rule
        )
        return source if self.min_score is None else with_min_score(source, self.min_score)

    def refuse_annotator_options(self) -> None:
        """Raise if an option is given that would say something of an annotator.

        Raises:
            InputError: One is.
        """
        for name in ("annotator_weights", "min_score", "min_area", "foreground"):
            if getattr(self, name) not in (None, ()):
                raise InputError(
                    f"--{name.replace('_', '-')} applies only with an annotator. Name one with "
                    "--annotator, or leave it out."
                )


def annotator_facts(config: AnnotatorConfig, annotator: Annotator | None = None) -> AnnotatorFacts:
    """What a record says of an annotator: its rule, and which classes are foreground."""
    return AnnotatorFacts(
        name=config.name,
        title=ANNOTATORS.get(config.name).title,
        foreground=tuple(getattr(annotator, "foreground", config.foreground)),
        foreground_chosen=bool(config.foreground),
        target_class=config.rule.target_class,
        min_score=config.rule.min_score,
        min_area=config.rule.min_area,
        one_piece=config.rule.one_piece,
        screen=None if config.screen is None else annotator_facts(config.screen),
    )
