"""What is known of each record: its figure, its distributions, and where its numbers come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from l4f_bench.analysis.records import AnalysisRecord
from l4f_bench.editing.record import EditRecord
from l4f_bench.evaluation.records import Record
from l4f_bench.projection.record import ProjectionRecord
from l4f_bench.reporting.figures import EXAMPLES_FILE
from l4f_bench.reporting.page.contents import Card
from l4f_bench.reporting.page.pictures import Album
from l4f_bench.reporting.page.plots import rejection_shares, score_histogram, threshold_curve
from l4f_bench.reporting.runs import weights_of
from l4f_bench.sheets import FIGURE
from l4f_bench.terminal import one_line

OtherRecord = EditRecord | AnalysisRecord | ProjectionRecord
"""What was measured but is no evaluation."""

_SHORT = 6  # digits of a SHA-256
_MOST_WARNINGS = 20


def card(anchor: str, path: Path, record: Record, album: Album) -> Card:
    """The card of a record.

    Args:
        anchor: What links to it name.
        path: Where it was read; its figure lies beside it.
        record: The record.
        album: Takes the figure in.
    """
    psi = "" if record.truncation is None else f", psi {record.truncation:g}"
    weights = weights_of(record)
    made = "" if weights is None else f", weights {weights[:_SHORT]}"
    title = f"{record.label} on {record.dataset_title}{psi}, seed {record.seed}{made}"
    usual = f"Worst, median and best images of {title}: image, truth, prediction and errors."
    masks = bool(record.images)
    return Card(
        anchor=anchor,
        title=title,
        picture=album.picture(path.parent / EXAMPLES_FILE, usual) if masks else None,
        histogram=score_histogram(record) if masks else None,
        curve=threshold_curve(record),
        rejected=rejection_shares(record.n, record.rejected),
        facts=tuple((name, text) for name, text in _facts(path, record).items() if text),
        config="\n".join(map(one_line, _json(record.config).splitlines())),
        warnings=tuple(record.warnings[:_MOST_WARNINGS]),
    )


def other_card(anchor: str, path: Path, record: OtherRecord, album: Album) -> Card:
    """The card of anything but an evaluation; its figure lies beside it, too."""
    facts = _provenance(path, record)
    title = f"{record.dataset_title}: {path.parent.name}"
    return Card(
        anchor=anchor,
        title=title,
        picture=album.picture(path.parent / FIGURE, f"Samples of {title}."),
        histogram=None,
        curve=None,
        rejected=None,
        facts=tuple((name, text) for name, text in facts.items() if text),
        config="\n".join(map(one_line, _json(record.config).splitlines())),
        warnings=(),
    )


def _provenance(path: Path, record: Record | OtherRecord) -> dict[str, str]:
    """What every record says of how it was made."""
    return {
        "Record": str(path),
        "Command": _command(record.provenance.get("command")),
        "Time": _text(record.provenance.get("time_utc")),
        "Took": f"{record.seconds:.1f} s",
        "Revision": _text(record.provenance.get("revision")),
        "Platform": _text(record.provenance.get("platform")),
        "Versions": _pairs(record.provenance.get("versions")),
        "SHA-256": _pairs(record.digests),
    }


def _json(config: Mapping[str, Any]) -> str:
    return json.dumps(config, indent=1, ensure_ascii=False)


def _facts(path: Path, record: Record) -> dict[str, str]:
    """What ran, by name; empty texts where it is not known."""
    return {
        **_provenance(path, record),
        "Seed": str(record.seed),
        "Images": f"{record.n} scored" + (f" of {record.drawn}" if record.drawn else ""),
        "Which images": _text(record.split or record.images_digest),
        "Truth": record.truth,
        "Annotator": _annotator(record),
        "Threshold": "" if record.threshold is None else f"{record.threshold:g}",
        "Grey level": "" if record.level is None else str(record.level),
        "Protocol": f"{record.protocol.name}: {record.protocol.title}" if record.protocol else "",
    }


def _annotator(record: Record) -> str:
    rule = record.annotator
    if rule is None:
        return ""
    of = f", foreground {' '.join(rule.foreground)}" if rule.foreground else ""
    screen = f", screened by {rule.screen.title}" if rule.screen else ""
    return f"{rule.title}{of}, score above {rule.min_score:g}, area from {rule.min_area:g}{screen}"


def _command(words: Any) -> str:
    return " ".join(map(str, words)) if isinstance(words, list) else _text(words)


def _pairs(values: Any) -> str:
    if not isinstance(values, Mapping):
        return _text(values)
    return "; ".join(f"{name} {value}" for name, value in values.items())


def _text(value: Any) -> str:
    return "" if value is None else str(value)
