"""The page: whole in one file, its texts only text, its figures there or said to be gone."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l4f_bench.evaluation.records import Record, load_record
from l4f_bench.reporting.figures import EXAMPLES_FILE
from l4f_bench.reporting.page import PAGE_FILE, write_page
from l4f_bench.reporting.page.pictures import Album
from l4f_bench.reporting.page.plots import Scale, rejection_shares, score_histogram, threshold_curve
from l4f_bench.reporting.reading import read_all
from l4f_bench.reporting.report import build_report
from l4f_bench.sheets import Row, Sheet, write_sheet
from tests.records import EXACT, FOUND, record, samples
from tests.test_escapes import FIELDS, TEXTS

OLD = Path(__file__).parents[1] / "evaluation" / "records_v1"


class Tree(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def values(self, attribute: str) -> list[str]:
        return [str(found[attribute]) for _, found in self.tags if attribute in found]


def page_of(folder: Path, *records: Record) -> str:
    for number, own in enumerate(records):
        own.save(folder / str(number) / "record.json")
    found = read_all([folder])
    report = build_report([own for _, own in found.records])
    write_page(folder / PAGE_FILE, report, found)
    return (folder / PAGE_FILE).read_text(encoding="utf-8")


def full(**changes: Any) -> Record:
    """A record of samples that knows all that a page can draw."""
    levels = np.zeros((2, 256), int)
    levels[0, 0], levels[1, 255] = 150, 50
    return samples(
        levels=levels.tolist(), drawn=5, rejected={"two objects": 2, "too small": 1}, **changes
    )


def test_a_page_loads_nothing_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    tile = np.zeros((4, 4, 3), np.uint8)
    sheet = Sheet(title="What <is> shown", columns=("x",), rows=[Row(tiles=[tile])])
    write_sheet(tmp_path / "0" / EXAMPLES_FILE, sheet)
    tree = Tree(page_of(tmp_path, full(), record(FOUND), record(subset="accepted")))
    assert not [tag for tag, _ in tree.tags if tag in ("link", "iframe", "object", "base")]
    assert all(source.startswith("data:image/webp;base64,") for source in tree.values("src"))
    assert "What <is> shown" in tree.values("alt")
    (policy,) = (found["content"] for tag, found in tree.tags if "http-equiv" in found)
    assert str(policy).startswith("default-src 'none'")
    anchors = tree.values("id")
    assert len(anchors) == len(set(anchors))
    links = tree.values("href")
    assert {link[1:] for link in links} <= set(anchors)
    assert all(link.startswith("#") for link in links)


def test_a_page_says_where_each_number_comes_from(tmp_path: Path) -> None:
    own = full(
        provenance={"command": ["l4f-bench", "eval"], "revision": "abc", "versions": {"a": "1"}}
    )
    words = Tree(page_of(tmp_path, own)).words
    for wanted in ("l4f-bench eval", "abc", "a 1", "annotator a", "two objects", "too small"):
        assert wanted in words
    assert "There is no examples.png beside the record." in words
    assert "best 1.000" in words


@pytest.mark.parametrize("text", [*TEXTS, '"onload="x', "'><img src=x onerror=y>", "{{ 7 * 7 }}"])
def test_no_text_of_a_record_becomes_markup(text: str, tmp_path: Path) -> None:
    texts = dict.fromkeys(FIELDS, text)
    more = {"warnings": [text], "rejected": {text: 1}, "digests": {text: text}, "split": text}
    config = {"config": {text: text}, "provenance": {"command": [text], "versions": {text: text}}}
    hostile = Tree(page_of(tmp_path / "a", record(**texts, **more, **config)))
    plain = {**dict.fromkeys(FIELDS, "plain"), "warnings": ["plain"], "rejected": {"plain": 1}}
    plain |= {"digests": {"plain": "plain"}, "split": "plain", "config": {"plain": "plain"}}
    tame = Tree(
        page_of(
            tmp_path / "b",
            record(**plain, provenance={"command": ["plain"], "versions": {"plain": "plain"}}),
        )
    )
    kinds = [(tag, *sorted(attributes)) for tag, attributes in hostile.tags]
    assert [kind for kind in kinds if kind != ("code",)] == [
        (tag, *sorted(attributes)) for tag, attributes in tame.tags if tag != "code"
    ]
    assert all(char.isprintable() or char in "\n\t" for char in hostile.words)


def claiming(width: int, height: int) -> bytes:
    """The head of a PNG that claims a size."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", len(head) - 4) + head + crc


@pytest.mark.parametrize(
    "content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", claiming(9, 9), claiming(99999, 99999)]
)
def test_a_figure_that_cannot_be_shown_costs_no_table(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "0").mkdir(parents=True)
    (tmp_path / "0" / EXAMPLES_FILE).write_bytes(content)
    words = Tree(page_of(tmp_path, full())).words
    assert "cannot be shown" in words
    assert "Shapes: scores of masks" in words


def test_figures_beyond_the_budget_are_said_to_be_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "a.png")
    album = Album(200)
    first, second = (album.picture(tmp_path / "a.png", "a") for _ in range(2))
    assert first.source
    assert not second.source
    assert "left out" in second.text


def test_old_records_and_others_beside_them_are_drawn(tmp_path: Path) -> None:
    old = [load_record(path) for path in sorted(OLD.glob("*.json"))]
    words = Tree(page_of(tmp_path, *old, full(), full())).words
    assert "How far pseudo ground truth can be trusted" in words
    assert "Image quality" in words


def test_intervals_become_bars_on_one_scale_a_column(tmp_path: Path) -> None:
    scale = Scale.of([0.0, 0.5, 1.0])
    bar = scale.bar(0.5, 0.25, 0.75)
    assert (bar.value, bar.zero) == (50.0, scale.place(0.0))
    assert bar.low is not None
    assert bar.high is not None
    assert bar.value - bar.low == pytest.approx(bar.high - bar.value)
    assert re.search(r'<line class="reach"', page_of(tmp_path, record()))


def test_distributions_are_those_of_the_counts() -> None:
    found = score_histogram(record(EXACT))  # IoU 0.5 and 2/3
    assert found is not None
    assert (found.counts[10], found.counts[13], sum(found.counts)) == (1, 1, 2)
    assert found.median == pytest.approx((0.5 + 2 / 3) / 2)
    assert score_histogram(record([[0, 0, 0, 9]])) is None
    shares = rejection_shares(6, {"small": 1, "two": 3})
    assert shares is not None
    assert shares.rows == (("scored", 6, 60.0), ("two", 3, 30.0), ("small", 1, 10.0))


def test_a_threshold_curve_is_that_of_the_levels() -> None:
    levels = np.zeros((2, 256), int)
    levels[0, [0, 100]] = 60, 20  # background: 20 pixels of level 100
    levels[1, [50, 200]] = 5, 15
    curve = threshold_curve(replace(record(), levels=levels.tolist(), threshold=0.9))
    assert curve is not None
    points = [tuple(map(float, point.split(","))) for point in curve.points.split()]
    ious = [1 - y / 50 for _, y in points]
    assert len(ious) == 255
    for threshold, expected in ((1, 20 / 40), (51, 15 / 40), (101, 15 / 20), (201, 0)):
        assert ious[threshold - 1] == pytest.approx(expected, abs=1e-3)
    assert curve.best == pytest.approx(0.75)
    assert 100 / 255 < curve.best_threshold < 200 / 255
