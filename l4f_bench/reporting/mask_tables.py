"""Tables of mask scores, published beside measured, as sections of a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.paper_layout import paper_latex
from l4f_bench.reporting.published import TableSpec
from l4f_bench.reporting.runs import Entry, entries, run_names, shown_name, weights_of
from l4f_bench.reporting.sections import CONTROLS, EXCHANGED, MISSING, Section
from l4f_bench.reporting.tables import Cell, Table, TableRow

_PAIR = ("iou_fg", "iou_bg")


@dataclass(frozen=True, slots=True)
class _Line:
    """One line of an entry."""

    source: str
    numbers: list[str]
    n: str = ""
    protocol: str = ""
    short: str = ""
    """The source in few letters, where that is not short itself."""


def table_section(table: Table, look: Look | None = None) -> Section:
    """A table as a reader wants it, with its notes; for machines one row per cell."""
    look = look or Look()
    found = entries(table.rows, each_run=look.each_run)
    metrics = look.shown(table.metrics)
    lines = [(entry, _entry_lines(table, entry, metrics, look)) for entry in found]
    draw = _narrow if look.narrow else _full
    headers, body, same = draw(lines, metrics)
    return Section(
        name=table.name,
        title=table.title,
        headers=headers,
        lines=body,
        notes=(*same, *_notes(table, found, look)),
        rows=[_cell_row(table, row, cell) for row in table.rows for cell in row.cells],
        latex=paper_latex(table, found, metrics, look) if look.layout == "paper" else None,
    )


def _cell_row(table: Table, row: TableRow, cell: Cell) -> dict[str, Any]:
    number, record = table.spec.number if table.spec else None, row.record
    return {
        "table": number or table.name,
        "dataset": row.dataset,
        "method": row.method,
        "truncation": row.truncation,
        "label": record.label if record else None,
        "seed": record.seed if record else None,
        "weights": weights_of(record) if record else None,
        "metric": cell.metric,
        "published": cell.published,
        **(_source(row) if table.spec and number is None else {}),
        "measured": cell.measured,
        "difference": cell.difference,
        "low": cell.low,
        "high": cell.high,
        "n": record.n if record else None,
        "protocol": record.protocol_name if record else None,
        **_controls_of(row, cell.metric),
        "reason": cell.reason,
    }


def _controls_of(row: TableRow, metric: str) -> dict[str, float | None]:
    """Scores of the controls that are known here: another's name could be that of a column."""
    controls = {} if row.record is None else row.record.controls
    found = {name: controls[name].get(metric) for name in CONTROLS if name in controls}
    return {name: None if score is None else score.value for name, score in found.items()}


def _source(row: TableRow) -> dict[str, Any]:
    """What differs from row to row of the field's numbers."""
    published = row.published
    return {
        "published_source": published.source if published else None,
        "published_protocol": published.protocol if published else None,
        "published_n": published.num_images if published else None,
    }


_Lines = Sequence[tuple[Entry, list[_Line]]]
_Drawn = tuple[tuple[str, ...], list[list[str]], list[str]]
"""Headers, lines, and notes on what was left out of them."""


def _columns(metrics: tuple[str, ...]) -> list[str]:
    """Foreground and background IoU share a column, as in the paper."""
    titles = [metric_spec(metric).title for metric in metrics]
    return ["IOU fg/bg", *titles[2:]] if metrics[:2] == _PAIR else titles


def _joined(metrics: tuple[str, ...], number: Callable[[str], str], mark: str = "") -> list[str]:
    """A number for each column; ``mark`` stands at the pair."""
    numbers = [number(metric) for metric in metrics]
    if metrics[:2] == _PAIR:
        return [f"{numbers[0]}/{numbers[1]}{mark}", *numbers[2:]]
    return [
        f"{text}{mark if metric in _PAIR else ''}"
        for metric, text in zip(metrics, numbers, strict=True)
    ]


def _full(lines: _Lines, metrics: tuple[str, ...]) -> _Drawn:
    """Every fact in a column of its own."""
    truncated = any(entry.first.truncation is not None for entry, _ in lines)
    headers = (
        "Method", "Data set", *(["psi"] if truncated else []), "Source", *_columns(metrics), "n",
        "Protocol",
    )  # fmt: skip
    body = []
    for entry, own in lines:
        name = [_named(entry), entry.first.dataset_title]
        name += [_psi(entry)] if truncated else []
        for index, line in enumerate(own):
            first = name if index == 0 else [""] * len(name)
            body.append([*first, line.source, *line.numbers, line.n, line.protocol])
    return headers, body, []


def _narrow(lines: _Lines, metrics: tuple[str, ...]) -> _Drawn:
    """The source below the method, the data set above; what is the same everywhere in a note."""
    truncated = any(entry.first.truncation is not None for entry, _ in lines)
    facts = {
        "n": {line.n for _, own in lines for line in own if line.n},
        "Protocol": {line.protocol for _, own in lines for line in own if line.protocol},
    }
    kept = [name for name, values in facts.items() if len(values) > 1]
    psi = ["psi"] if truncated else []
    headers = ("Method", *psi, *_columns(metrics), *kept)
    body, dataset = [], None
    for entry, own in lines:
        if entry.first.dataset_title != dataset:
            dataset = entry.first.dataset_title
            body.append([dataset, *[""] * (len(headers) - 1)])
        for index, line in enumerate(_measured_first(own)):
            first = _named_line(entry, line) if index == 0 else f"  {line.short or line.source}"
            last = [line.n if name == "n" else line.protocol for name in kept]
            at = [_psi(entry) if index == 0 else ""] if truncated else []
            body.append([first, *at, *line.numbers, *last])
    same = [f"{name} {min(facts[name])}" for name in facts if len(facts[name]) == 1]
    return headers, body, [f"All rows: {', '.join(same)}."] if same else []


def _measured_first(own: list[_Line]) -> list[_Line]:
    """Lines with what was measured before what is published; without measured, published alone."""
    published = [line for line in own if line.source.startswith("published")]
    others = [line for line in own if line not in published]
    lines = others if others and others[0].n else []
    return [*lines[:1], *published, *lines[1:]]


def _named_line(entry: Entry, line: _Line) -> str:
    if line.source.startswith("published"):
        return f"{_named(entry)}, {line.source}"
    return f"{_named(entry)} ({entry.name})" if entry.pooled else _named(entry)


def _named(entry: Entry) -> str:
    named = shown_name(entry.first)
    return f"{named} ({entry.name})" if entry.name and not entry.pooled else named


def _psi(entry: Entry) -> str:
    return "" if entry.first.truncation is None else f"{entry.first.truncation:g}"


def _entry_lines(table: Table, entry: Entry, metrics: tuple[str, ...], look: Look) -> list[_Line]:
    """What there is to say of an entry: published, measured, difference, interval, controls."""
    row, paper = entry.first, table.spec is not None and table.spec.number is not None
    lines = [] if row.published is None else [_published(row, metrics, table)]
    if row.record is None:
        if paper:
            lines.append(_Line("measured", [MISSING] * len(_columns(metrics))))
        return lines
    measured = {metric: entry.measured(metric) for metric in metrics}
    source = f"measured, mean of {entry.name}" if entry.pooled else "measured"
    form = f".{look.digits}f"
    lines.append(
        _Line(
            source,
            _joined(metrics, lambda key: _number(measured[key], "value", form)),
            str(row.record.n),
            row.record.protocol_name,
        )
    )
    if entry.pooled:
        spread = _joined(metrics, lambda key: _number(measured[key], "sd", form))
        lines.append(_Line("± standard deviation", spread, short="± sd"))
    apart = {metric: entry.difference(metric) for metric in metrics}
    if any(apart.values()):
        numbers = _joined(metrics, lambda key: _number(apart[key], "value", f"+{form}"))
        lines.append(_Line("difference", numbers))
    if look.intervals and not entry.pooled:
        numbers = _joined(metrics, lambda key: _interval(entry.cell(key), form))
        lines.append(_Line("95% interval", numbers))
    return lines + _controls(entry, metrics, form)


def _published(row: TableRow, metrics: tuple[str, ...], table: Table) -> _Line:
    """The numbers as printed, fg before bg; those of the field each with their source."""
    published = row.published
    assert published is not None, "only a published row has such a line"

    def number(metric: str) -> str:
        value = published.value(metric)
        return MISSING if value is None else f"{value:.{table.digits(metric)}f}"

    if published.table is not None:
        return _Line("published", _joined(metrics, number, EXCHANGED))
    n = "" if published.num_images is None else str(published.num_images)
    return _Line(f"published: {published.source}", _joined(metrics, number), n, published.protocol)


def _controls(entry: Entry, metrics: tuple[str, ...], form: str) -> list[_Line]:
    """Scores of masks that never look, means over the runs."""

    def number(name: str, metric: str) -> str:
        value = entry.control(name, metric)
        return MISSING if value is None else format(value, form)

    titles = {name: CONTROLS.get(name, name) for name in entry.controls}
    return [
        _Line(f"control: {title}", _joined(metrics, partial(number, name)), short=title)
        for name, title in titles.items()
    ]


def _number(found: Any, part: str, form: str) -> str:
    value = None if found is None else getattr(found, part)
    return MISSING if value is None else format(value, form)


def _interval(cell: Cell, form: str) -> str:
    if cell.low is None or cell.high is None:
        return MISSING
    return f"[{cell.low:{form}}, {cell.high:{form}}]"


def _notes(table: Table, found: list[Entry], look: Look) -> list[str]:
    spec = table.spec
    notes = [] if spec is None else [spec.note, *spec.remarks, *_missing(table, spec)]
    records = [row.record for row in table.rows if row.record is not None]
    protocols = {record.protocol for record in records if record.protocol is not None}
    notes += sorted(f"Protocol {p.name}: {p.title} ({p.source})." for p in protocols)
    if any(record.controls for record in records):
        notes.append(
            f"Controls never look at the image. {CONTROLS['constant']}: the one mask that fits the "
            f"truths best; {CONTROLS['shifted']}: each prediction against the next image's truth."
        )
    pooled = run_names(found)
    if pooled:
        notes.append(
            "Runs are records that differ in seed or weights alone: mean and sample standard "
            f"deviation over them. {'. '.join(pooled)}."
        )
    notes.append(f"Seeds of images and intervals: {_seeds(records)}.")
    if look.intervals:
        notes.append("Intervals: 95%, percentile bootstrap over images.")
    notes.append("Differences: measured at full precision minus published.")
    return notes


def _seeds(records: Sequence[Any]) -> str:
    return ", ".join(str(seed) for seed in sorted({record.seed for record in records}))


def _missing(table: Table, spec: TableSpec) -> list[str]:
    """Why numbers are missing, and which published ones compare with nothing."""
    paper = spec.number is not None
    rows = [row for row in table.rows if paper or row.record is not None]
    reasons = sorted({cell.reason for row in rows for cell in row.cells if cell.reason is not None})
    doubts = [
        f"{row.method_title} ({row.unlike})" for row in spec.published if row.unlike is not None
    ]
    found = [f"{MISSING}: {'; '.join(reasons)}."] if reasons else []
    return found + ([f"Compared with nothing: {'; '.join(doubts)}."] if doubts else [])
