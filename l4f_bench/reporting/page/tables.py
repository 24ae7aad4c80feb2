"""Tables of a page: of masks from their rows, and any other from its section."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.page.contents import Cell, Line, Part, Row
from l4f_bench.reporting.page.plots import Scale
from l4f_bench.reporting.runs import Entry, entries, shown_name
from l4f_bench.reporting.sections import CONTROLS, EXCHANGED, MISSING, Section
from l4f_bench.reporting.tables import Table

_NUMBER = r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_WITH_INTERVAL = re.compile(rf"({_NUMBER}) (\[({_NUMBER}), ({_NUMBER})\])")


def mask_part(
    table: Table,
    section: Section,
    look: Look,
    anchor: str,
    cards_of: Callable[[Entry], Sequence[str]],
) -> Part:
    """A table of mask scores, each row with its published, measured and other lines.

    Args:
        table: The table.
        section: The same as it is written to files, for its title and notes.
        look: Columns and digits.
        anchor: What a link to it names.
        cards_of: Anchors of what is known of each run of a row.
    """
    found = entries(table.rows, each_run=look.each_run)
    metrics = look.shown(table.metrics)
    scales = {metric: Scale.of(_numbers(found, metric)) for metric in metrics}
    return Part(
        anchor=anchor,
        title=section.title,
        headers=tuple(metric_spec(metric).title for metric in metrics),
        rows=tuple(_row(table, entry, scales, look, tuple(cards_of(entry))) for entry in found),
        notes=section.notes,
    )


def section_part(section: Section, anchor: str) -> Part:
    """Any other section; cells that say ``value [low, high]`` get bars, a scale a column."""
    columns = list(zip(*section.lines, strict=True))
    scales = [_scale_of(column) for column in columns]
    lines = tuple(
        tuple(_cell_of(cell, scale) for cell, scale in zip(line, scales, strict=True))
        for line in section.lines
    )
    return Part(
        anchor=anchor,
        title=section.title,
        headers=section.headers,
        lines=lines,
        notes=section.notes,
    )


def _scale_of(column: Iterable[str]) -> Scale:
    found = [match for cell in column if (match := _WITH_INTERVAL.fullmatch(cell))]
    numbers = [float(match[group]) for match in found for group in (1, 3, 4)]
    return Scale.of([*numbers, 0.0] if any(match[1][0] in "+-" for match in found) else numbers)


def _cell_of(text: str, scale: Scale) -> Cell:
    match = _WITH_INTERVAL.fullmatch(text)
    if match is None:
        return Cell(text=text, sort=float(text) if re.fullmatch(_NUMBER, text) else None)
    value, low, high = (float(match[group]) for group in (1, 3, 4))
    bar = scale.bar(value, low, high)
    return Cell(text=match[1], interval=match[2], bar=bar, sort=value)


def _numbers(found: Sequence[Entry], metric: str) -> list[float]:
    """What stands on the scale of a column."""
    cells = [cell for entry in found for row in entry.rows for cell in row.cells]
    parts = [
        number
        for cell in cells
        if cell.metric == metric
        for number in (cell.published, cell.measured, cell.low, cell.high)
    ]
    return [number for number in parts if number is not None]


def _row(
    table: Table, entry: Entry, scales: dict[str, Scale], look: Look, cards: tuple[str, ...]
) -> Row:
    first = entry.first
    record, published = first.record, first.published
    name = f"{shown_name(first)} ({entry.name})" if entry.name else shown_name(first)
    source = published.source if published and published.table is None else ""
    n = record.n if record else published.num_images if published else None
    return Row(
        name=name,
        dataset=first.dataset_title,
        psi="" if first.truncation is None else f"{first.truncation:g}",
        n="" if n is None else str(n),
        protocol=record.protocol_name if record else published.protocol if published else "",
        lines=tuple(_lines(table, entry, scales, look, source)),
        cards=cards,
    )


def _lines(
    table: Table, entry: Entry, scales: dict[str, Scale], look: Look, source: str
) -> list[Line]:
    form, lines = f".{look.digits}f", []
    if entry.first.published is not None:
        title = f"published: {source}" if source else "published"
        cells = tuple(_published(table, entry, metric, scales[metric]) for metric in scales)
        lines.append(Line(kind="published", source=title, cells=cells))
    if entry.first.record is None:
        return lines
    title = f"measured, mean of {entry.name}" if entry.pooled else "measured"
    cells = tuple(_measured(entry, metric, scales[metric], look) for metric in scales)
    lines.append(Line(kind="measured", source=title, cells=cells))
    if entry.pooled:
        found = [entry.measured(metric) for metric in scales]
        cells = tuple(_plain(None if part is None else part.sd, form) for part in found)
        lines.append(Line(kind="spread", source="± standard deviation", cells=cells))
    apart = [entry.difference(metric) for metric in scales]
    if any(apart):
        cells = tuple(_plain(None if part is None else part.value, f"+{form}") for part in apart)
        lines.append(Line(kind="difference", source="difference", cells=cells))
    return lines + _controls(entry, list(scales), form)


def _published(table: Table, entry: Entry, metric: str, scale: Scale) -> Cell:
    published = entry.first.published
    value = None if published is None else published.value(metric)
    if published is None or value is None:
        return Cell(text=MISSING)
    mark = EXCHANGED if published.printed_as(metric) != metric else ""
    text = f"{value:.{table.digits(metric)}f}{mark}"
    return Cell(text=text, bar=scale.bar(value, None, None), sort=value)


def _measured(entry: Entry, metric: str, scale: Scale, look: Look) -> Cell:
    found, cell = entry.measured(metric), entry.cell(metric)
    if found is None:
        return Cell(text=MISSING, interval=cell.reason or "")
    low, high = (None, None) if entry.pooled else (cell.low, cell.high)
    if found.sd is not None:
        low, high = found.value - found.sd, found.value + found.sd
    form, interval = f".{look.digits}f", ""
    if low is not None and high is not None and not entry.pooled and look.intervals:
        interval = f"[{low:{form}}, {high:{form}}]"
    bar = scale.bar(found.value, low, high)
    return Cell(text=format(found.value, form), interval=interval, bar=bar, sort=found.value)


def _plain(value: float | None, form: str) -> Cell:
    return Cell(text=MISSING if value is None else format(value, form), sort=value)


def _controls(entry: Entry, metrics: Sequence[str], form: str) -> list[Line]:
    """Scores of masks that never look, means over the runs."""
    return [
        Line(
            kind="control",
            source=f"control: {CONTROLS.get(name, name)}",
            cells=tuple(_plain(entry.control(name, metric), form) for metric in metrics),
        )
        for name in entry.controls
    ]
