"""One method, one data set, one setting, one protocol: one record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field

from l4f_bench.config import EvalConfig, to_json
from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import InputError
from l4f_bench.evaluation.custom import evaluate_custom
from l4f_bench.evaluation.examples import Example
from l4f_bench.evaluation.records import Record
from l4f_bench.methods.specs import METHODS
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.progress import Progress, silent
from l4f_bench.registry import unknown_name


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an evaluation gives."""

    record: Record
    examples: list[Example] = field(default_factory=list)
    """Worst, median and best samples, where the setting has images to show."""


def _custom(config: EvalConfig, progress: Progress) -> Outcome:
    return Outcome(evaluate_custom(config, progress))


def _sampled(config: EvalConfig, progress: Progress) -> Outcome:
    from l4f_bench.evaluation.sampled import evaluate_sampled  # with torch: only where needed

    return Outcome(*evaluate_sampled(config, progress))


def _real(config: EvalConfig, progress: Progress) -> Outcome:
    from l4f_bench.evaluation.real import evaluate_real  # with torch: only where needed

    return Outcome(evaluate_real(config, progress))


def _quality(config: EvalConfig, progress: Progress) -> Outcome:
    from l4f_bench.evaluation.quality import evaluate_quality  # with torch: only where needed

    return Outcome(evaluate_quality(config, progress))


_SETTINGS: dict[str, Callable[[EvalConfig, Progress], Outcome]] = {
    "custom": _custom,
    "sampled": _sampled,
    "real": _real,
    "quality": _quality,
}


def evaluate(config: EvalConfig, progress: Progress = silent) -> Outcome:
    """Run one evaluation.

    Args:
        config: What to evaluate.
        progress: Given the number of images, returns what to call with each number done.

    Raises:
        InputError: A name is unknown, or a file or folder cannot be used.
        MissingAssetError: Data or weights are missing; the message says how to get them.
    """
    METHODS.get(config.method)
    DATASETS.get(config.dataset)
    PROTOCOLS.get(config.protocol)
    if config.setting not in _SETTINGS:
        raise InputError(unknown_name("setting", config.setting, list(_SETTINGS)))
    return _SETTINGS[config.setting](config, progress)


def part_name(config: EvalConfig) -> str:
    """Name of the sub-folder of one of several evaluations of a command."""
    if config.real is not None and config.real.subset != "all":
        return f"{config.method}-{config.real.truth}-{config.real.subset}"
    if config.sampled is not None:
        return f"psi-{config.sampled.truncation:g}"
    if config.quality is not None:
        return f"psi-{config.quality.distance.truncation:g}"
    return f"{config.method}-{config.setting}"


def run_name(config: EvalConfig) -> str:
    """Name of a run's folder: what was evaluated, and a digest of the whole configuration.

    The same configuration gives the same folder, another one never overwrites it.
    """
    text = json.dumps(to_json(config), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{config.method}-{config.dataset}-{config.setting}-{config.protocol}-{digest}"
