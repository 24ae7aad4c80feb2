"""The evaluations that one call of eval asks for, as configurations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from l4f_bench.annotators.loading import annotator_config, usual_annotator
from l4f_bench.config import (
    AnnotatorConfig,
    EvalConfig,
    QualityConfig,
    RealConfig,
    SampledConfig,
)
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.methods.specs import STUDENT


def annotator_of(
    config: EvalConfig,
    name: str | None,
    *,
    weights: Path | None,
    min_score: float | None,
    min_area: float | None,
    foreground: Sequence[str] | None,
    screen_weights: Path | None,
) -> AnnotatorConfig:
    """The usual annotator or the one that is named; None leaves what is usual.

    Raises:
        InputError: An option belongs to another annotator.
    """
    if name in (None, DATASETS.get(config.dataset).annotator):
        source = usual_annotator(config.dataset, config.method)
    else:
        source = annotator_config(name, config.dataset)
    if foreground and source.name != "bisenet":
        raise InputError(f"--foreground names classes of bisenet, not of {source.name}.")
    if screen_weights is not None and source.screen is None:
        raise InputError(
            "--screen-weights belongs to PSeg's samples of FFHQ and their usual annotator. Leave "
            "it out."
        )
    source = replace(
        source,
        weights=weights,
        min_area=source.min_area if min_area is None else min_area,
        foreground=tuple(foreground or ()),
        screen=source.screen and replace(source.screen, weights=screen_weights),
    )
    return source if min_score is None else _with_score(source, min_score)


def check_human(annotator: str | None) -> None:
    """Real images with hand-drawn masks have no other truth.

    Raises:
        InputError: Another annotator is named.
    """
    if annotator not in (None, "human"):
        raise InputError(
            "--on custom scores against human masks. For an annotator's, run l4f-bench annotate "
            "on the images, then l4f-bench score."
        )


def _with_score(source: AnnotatorConfig, min_score: float) -> AnnotatorConfig:
    """The same with another smallest score of the detector, or of the detector that screens."""
    if source.target_class is not None:
        return replace(source, min_score=min_score)
    if source.screen is not None:
        return replace(source, screen=replace(source.screen, min_score=min_score))
    raise InputError(f"--min-score belongs to detectors, and {source.name} is none. Leave it out.")


def sampled_configs(
    config: EvalConfig, sampled: SampledConfig, truncation: Sequence[float] | None
) -> list[EvalConfig]:
    """Every truncation, and the annotator itself where it can be scored."""
    spec = DATASETS.get(config.dataset)
    configs = [
        replace(config, sampled=replace(sampled, truncation=psi))
        for psi in truncation or spec.truncations
    ]
    if spec.exact_masks and sampled.annotator:
        real = RealConfig(
            annotator=sampled.annotator, num_images=sampled.num_images, device=sampled.device
        )
        configs.append(replace(config, setting="real", method=sampled.annotator.name, real=real))
    return configs


def real_configs(config: EvalConfig, real: RealConfig) -> list[EvalConfig]:
    """One evaluation; of trust six: annotator against exact masks, student against both.

    These are made of the accepted images and of the rejected ones.

    Raises:
        InputError: A student is given where none is scored.
    """
    if config.setting == "real":
        if real.student is not None and config.method != STUDENT:
            raise InputError(f"--student belongs to --method {STUDENT}. Add that, or leave it out.")
        return [replace(config, real=real)]
    assert real.annotator is not None
    scored = [
        (real.annotator.name, "exact"),
        (STUDENT, "exact"),
        (STUDENT, "annotator"),
    ]
    return [
        replace(
            config, setting="real", method=method, real=replace(real, truth=truth, subset=subset)
        )
        for subset in ("accepted", "rejected")
        for method, truth in scored
    ]


def quality_configs(
    config: EvalConfig, quality: QualityConfig, truncation: Sequence[float] | None
) -> list[EvalConfig]:
    """Every truncation.

    Raises:
        InputError: Real images are given a generator or a truncation.
    """
    if config.method == "real" and (quality.generator or truncation):
        raise InputError("Real images take no --generator and no --truncation. Leave them out.")
    return [
        replace(
            config,
            quality=replace(quality, distance=replace(quality.distance, truncation=psi)),
        )
        for psi in truncation or [1.0]
    ]
