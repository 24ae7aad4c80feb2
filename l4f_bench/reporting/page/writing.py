"""The page, from a report and the records that it was drawn from."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup, escape

from l4f_bench import __version__
from l4f_bench.analysis.records import BackgroundRecord, LayersRecord
from l4f_bench.evaluation.records import Record
from l4f_bench.provenance import provenance
from l4f_bench.reporting.page.cards import OtherRecord, card, other_card
from l4f_bench.reporting.page.contents import Card, Page, Part
from l4f_bench.reporting.page.pictures import Album
from l4f_bench.reporting.page.tables import mask_part, section_part
from l4f_bench.reporting.quality import FID, NUMBER
from l4f_bench.reporting.reading import Found
from l4f_bench.reporting.report import Report
from l4f_bench.reporting.runs import Entry
from l4f_bench.runs import write_text
from l4f_bench.terminal import one_line

PAGE_FILE = "report.html"
_OTHERS = "Where the other numbers come from"
_CODE = re.compile(r"`([^`]+)`")
_BUDGET = 4_000_000
"""Characters of all images together, so that the page stays below five megabytes."""


def write_page(path: Path, report: Report, found: Found) -> None:
    """Write a report as one HTML file with all images in it.

    Args:
        path: The file.
        report: What is drawn.
        found: Where it comes from; figures are looked for beside the records.

    Raises:
        InputError: The file cannot be written.
    """
    write_text(path, _html(_page(report, found)))


def _page(report: Report, found: Found) -> Page:
    album = Album(_BUDGET)
    anchors = {id(record): f"record-{i}" for i, (_, record) in enumerate(found.records, start=1)}
    cards = {
        anchors[id(record)]: card(anchors[id(record)], path, record, album)
        for path, record in found.records
    }
    parts = [_mask_part(report, number, anchors, cards) for number in range(len(report.tables))]
    for section in report.sections[len(report.tables) :]:
        own = [cards[anchors[id(r)]] for _, r in found.records if _speaks_of(section.name, r)]
        part = section_part(section, f"part-{section.name}")
        parts.append(replace(part, cards=(*own, *_other_cards(section.name, found, album))))
    shown = {card.anchor for part in parts for card in part.cards}
    if left := tuple(own for anchor, own in cards.items() if anchor not in shown):
        parts.append(Part(anchor="part-records", title=_OTHERS, headers=(), cards=left))
    return Page(
        title="l4f-bench report",
        summary=tuple(_summary([record for _, record in found.records])),
        faults=tuple(map(one_line, found.faults)),
        parts=tuple(parts),
    )


def _speaks_of(name: str, record: Record) -> bool:
    """Whether a section other than a table of masks is drawn from a record."""
    if record.distance is not None:
        key = record.protocol_name
        return name == (f"table{NUMBER}" if key == FID else key)
    return name == "trust" and record.subset != "all"


def _other_cards(name: str, found: Found, album: Album) -> list[Card]:
    """Cards of the records of edits, projections or analyses that a section is drawn from."""
    records: dict[str, Sequence[tuple[Path, OtherRecord]]] = {
        "edits": found.edits,
        "reconstructions": found.projections,
        "layers": [entry for entry in found.analyses if isinstance(entry[1], LayersRecord)],
        "background": [entry for entry in found.analyses if isinstance(entry[1], BackgroundRecord)],
    }
    return [
        other_card(f"{name}-{number}", path, record, album)
        for number, (path, record) in enumerate(records.get(name, ()), start=1)
    ]


def _mask_part(
    report: Report, number: int, anchors: Mapping[int, str], cards: Mapping[str, Card]
) -> Part:
    """A table of masks with the cards of its records below."""
    table, section = report.tables[number], report.sections[number]

    def cards_of(entry: Entry) -> list[str]:
        return [anchors[id(row.record)] for row in entry.rows if row.record is not None]

    part = mask_part(table, section, report.look, f"part-{section.name}", cards_of)
    own = tuple(cards[anchor] for row in part.rows for anchor in row.cards)
    return replace(part, cards=own)


def _summary(records: Sequence[Record]) -> list[tuple[str, str]]:
    """What the page is about, in a few lines."""
    datasets = dict.fromkeys(record.dataset_title for record in records)
    methods = dict.fromkeys(record.method_title for record in records)
    times = sorted(str(record.provenance.get("time_utc") or "") for record in records)
    made = provenance()
    return [
        ("Records", str(len(records))),
        ("Data sets", ", ".join(datasets)),
        ("Methods", ", ".join(methods)),
        ("Evaluated", " to ".join(dict.fromkeys((times[0], times[-1]))) if times else ""),
        ("Page made", f"{made['time_utc']} by l4f-bench {__version__}, {made['revision']}"),
    ]


def _html(page: Page) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("l4f_bench.reporting.page", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"shown": one_line, "prose": _prose}
    style, script = (_asset(name) for name in ("page.css", "page.js"))
    # Nothing is loaded or run but what stands here, whatever a text of a record holds.
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}"
    )
    template = environment.get_template("page.html.j2")
    return template.render(page=page, style=style, script=script, policy=policy)


def _prose(text: str) -> Markup:
    """One of our notes; words between backticks are code, and nothing else is markup."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(one_line(text)))))


def _asset(name: str) -> str:
    folder = files("l4f_bench.reporting.page") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
