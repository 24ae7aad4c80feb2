r"""A table of mask scores as LaTeX for a paper: one row a method, as wide as a column at most.

It needs the packages booktabs and graphicx.
"""

from __future__ import annotations

from collections.abc import Sequence

from l4f_bench.escapes import latex_text
from l4f_bench.metrics.scores import metric_spec
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.published import PAPER
from l4f_bench.reporting.runs import Entry, Spread, shown_name
from l4f_bench.reporting.sections import EXCHANGED
from l4f_bench.reporting.tables import Table

_DASH = "--"
# \resizebox alone would also enlarge a small table.
_FITTED = r"\resizebox{\ifdim\width>\columnwidth\columnwidth\else\width\fi}{!}{%"


def paper_latex(table: Table, found: Sequence[Entry], metrics: tuple[str, ...], look: Look) -> str:
    """The measured numbers of each method, ± over runs, with published ones in parentheses.

    Args:
        table: Where the rows are from.
        found: Its rows for readers.
        metrics: Keys of the scores shown.
        look: Digits of what is measured.
    """
    lines, group = [], None
    for entry, name in zip(found, _names(found), strict=True):
        if _group(entry) != group:
            lines += [
                r"\midrule",
                rf"\multicolumn{{{len(metrics) + 1}}}{{l}}{{{_group(entry)}}} \\",
            ]
            group = _group(entry)
        cells = [_cell(table, entry, metric, look.digits) for metric in metrics]
        lines.append(" & ".join([latex_text(name), *cells]) + r" \\")
    titles = " & ".join(["Method", *(latex_text(metric_spec(metric).title) for metric in metrics)])
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{_caption(table, found)}}}",
            rf"\label{{tab:{table.name}}}",
            r"\setlength{\tabcolsep}{3pt}",
            _FITTED,
            rf"\begin{{tabular}}{{l{'c' * len(metrics)}}}",
            r"\toprule",
            rf"{titles} \\",
            *lines,
            r"\bottomrule",
            r"\end{tabular}}",
            r"\end{table}",
            "",
        ]
    )


def _group(entry: Entry) -> str:
    row = entry.first
    psi = "" if row.truncation is None else rf", $\psi = {row.truncation:g}$"
    return rf"\emph{{{latex_text(row.dataset_title)}}}{psi}"


def _names(found: Sequence[Entry]) -> list[str]:
    """Titles of methods, with what the record says of them only where two are alike."""
    places = [(_group(entry), entry.first.title) for entry in found]
    names = []
    for entry, place in zip(found, places, strict=True):
        name = shown_name(entry.first) if places.count(place) > 1 else entry.first.title
        names.append(f"{name} ({entry.name})" if entry.name else name)
    return names


def _cell(table: Table, entry: Entry, metric: str, digits: int) -> str:
    published = entry.first.published
    target = None if published is None else published.value(metric)
    exchanged = published is not None and published.printed_as(metric) != metric
    mark = r"$^\dagger$" if exchanged else ""
    beside = "" if target is None else _small(f"({_bare(target, table.digits(metric))}{mark})")
    return f"{_measured(entry.measured(metric), digits)}{beside}"


def _measured(found: Spread | None, digits: int) -> str:
    if found is None:
        return _DASH
    spread = "" if found.sd is None else _small(rf"$\pm${_bare(found.sd, digits)}")
    return f"{_bare(found.value, digits)}{spread}"


def _bare(value: float, digits: int) -> str:
    """A score without the 0 before the point, as narrow columns have it."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def _small(text: str) -> str:
    return rf"{{\scriptsize\,{text}}}"


def _caption(table: Table, found: Sequence[Entry]) -> str:
    """Title, images, protocol, and what ± and parentheses mean where they are met."""
    records = [row.record for entry in found for row in entry.rows if row.record is not None]
    numbers = ", ".join(str(n) for n in sorted({record.n for record in records}))
    protocols = ", ".join(sorted({record.protocol_name for record in records}))
    parts = [_title(table), f"{numbers} images, protocol {protocols}"]
    if any(entry.pooled for entry in found):
        parts.append("Mean and standard deviation over runs")
    if any(entry.first.published for entry in found):
        parts.append("In parentheses: published")
    if table.spec is not None and table.spec.number is not None:
        parts.append(f"{EXCHANGED}: printed under the other class's name")
    return latex_text(f"{'. '.join(parts)}.").replace(EXCHANGED, r"$^\dagger$")


def _title(table: Table) -> str:
    """The title without the paper's number, which a paper of one's own counts anew."""
    number = None if table.spec is None else table.spec.number
    if number is None:
        return table.title
    words = table.title.partition(": ")[2]
    return f"{words[:1].upper()}{words[1:]} (Table {number} of {PAPER})"
