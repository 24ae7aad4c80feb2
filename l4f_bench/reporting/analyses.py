"""Analyses of generators as tables for the terminal, and as sections of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from tabulate import tabulate

from l4f_bench.analysis.records import BackgroundRecord, LayersRecord
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.ssim_definitions import DEFINITIONS
from l4f_bench.reporting.sections import Section, number

Analysis = LayersRecord | BackgroundRecord


def analysis_sections(records: Sequence[Analysis]) -> list[Section]:
    """The sections of a report, one for each analysis."""
    return [
        _layers(record) if isinstance(record, LayersRecord) else _background(record)
        for record in records
    ]


def _layers(record: LayersRecord) -> Section:
    return Section(
        name="layers",
        title=f"What layers of a generator paint: {record.dataset_title}",
        headers=("Layer", "Pixels", "SSIM without it", "Falls by", "Rule"),
        lines=[
            [
                str(row.layer),
                str(row.resolution),
                number(row.ssim.get(record.primary)),
                "" if row.fall is None else _number(row.fall.value, ".0%"),
                f"{row.chosen:.0%}",
            ]
            for row in record.rows
        ],
        notes=(
            f"SSIM by {record.primary} of samples with noise in place of each RGB layer, with 95% "
            "bootstrap intervals. Rule: share of resamples in which the rule keeps from this layer "
            "on.",
            f"Recommended: read from {record.recommendation.resolution} pixels up "
            f"({record.recommendation.levels} levels): {record.recommendation.reason}.",
        ),
        rows=[asdict(row) for row in record.rows],
    )


def _background(record: BackgroundRecord) -> Section:
    return Section(
        name="background",
        title=f"Which layer paints the background: {record.dataset_title}",
        headers=(
            "Layer", "Pixels", "Channels", "Gradient summed", "Per element", "Error if zeroed",
        ),
        lines=[
            [
                row.name,
                str(row.resolution),
                str(row.channels),
                number(row.summed),
                number(row.per_element),
                number(row.zeroed_error),
            ]
            for row in record.rows
        ],
        notes=(
            "Norms of the gradient of the squared error to backgrounds, with 95% bootstrap "
            "intervals over samples; error if zeroed: over that of the whole image.",
            f"Recommended background mode: {record.mode}: {record.reason}.",
        ),
        rows=[asdict(row) for row in record.rows],
    )  # fmt: skip


def layers_lines(record: LayersRecord) -> str:
    """A row for each RGB layer, and what the rule recommends."""
    others = [name for name in DEFINITIONS if name != record.primary]
    headers = ["layer", "pixels", "SSIM without it", "95% interval", "falls by", "rule"]
    headers += [f"SSIM ({name})" for name in others] + ["std painted"]
    lines = []
    for row in record.rows:
        found = row.ssim[record.primary]
        fall = "-" if row.fall is None else _number(row.fall.value, ".0%")
        lines.append(
            [
                row.layer,
                row.resolution,
                _number(found.value, ".4f"),
                _interval(found, ".4f"),
                fall,
                f"{row.chosen:.0%}",
                *(_number(row.ssim[name].value, ".4f") for name in others),
                f"{row.rgb_std:.3f}",
            ]
        )
    table = tabulate(lines, headers, tablefmt="simple", disable_numparse=True)
    config, advice = record.config, record.recommendation
    return (
        f"{table}\n\nSSIM by {record.primary} of {config['samples']} samples with "
        f"{config['draws']} noises in place of each RGB layer, psi {config['truncation']:g}, seed "
        f"{config['seed']}.\nRule: share of resamples in which the rule keeps from this layer on.\n"
        f"Recommended: read from {advice.resolution} pixels up ({advice.levels} levels): "
        f"{advice.reason}."
    )


def background_lines(record: BackgroundRecord) -> str:
    """A row for each layer, and what is recommended."""
    headers = ["layer", "pixels", "channels", "gradient summed", "95% interval", "per element"]
    headers += ["shuffled: summed", "per element", "error if zeroed", "shuffled"]
    lines = [
        [
            row.name,
            row.resolution,
            row.channels,
            _number(row.summed.value, ".4g"),
            _interval(row.summed, ".4g"),
            _number(row.per_element.value, ".4g"),
            _number(row.shuffled_summed.value, ".4g"),
            _number(row.shuffled_per_element.value, ".4g"),
            _number(row.zeroed_error.value, ".2f"),
            _number(row.shuffled_zeroed_error.value, ".2f"),
        ]
        for row in record.rows
    ]
    table = tabulate(lines, headers, tablefmt="simple", disable_numparse=True)
    config, facts = record.config, record.curated
    where = config["annotator"] or "the edges of images"
    rejected = f" ({record.rejected} images had none)" if record.rejected else ""
    return (
        f"{table}\n\nNorms of the gradient of the squared error to backgrounds, "
        f"{config['samples']} samples, psi {config['truncation']:g}, seed {config['seed']}; "
        f"backgrounds by {where}"
        f"{rejected}.\nShuffled: the same generator, weights permuted within each tensor (seed "
        f"{config['seed']}).\nError if zeroed: squared error to the background, over that of the "
        f"whole image.\nCurated: {len(facts.channels)} of {facts.of} channels reach "
        f"{config['threshold']:g} of the layer's largest, and would be zeroed.\n"
        f"Recommended background mode: {record.mode}: {record.reason}."
    )


def _number(value: float | None, form: str) -> str:
    return "n/a" if value is None else format(value, form)


def _interval(found: Estimate, form: str) -> str:
    return "n/a" if found.low is None else f"{found.low:{form}} to {found.high:{form}}"
