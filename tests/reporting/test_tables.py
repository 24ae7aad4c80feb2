"""Which table a record stands in, whatever is installed here."""

from __future__ import annotations

import dataclasses

import pytest

from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.reporting.mask_tables import table_section
from l4f_bench.reporting.report import build_report
from l4f_bench.reporting.tables import build_tables
from l4f_bench.reporting.writers import WRITERS
from tests.records import BISENET, record, samples

STRANGER = {
    "method": "theirs",
    "method_title": "Their method",
    "dataset": "birds",
    "dataset_title": "Their birds",
    "label": "theirs",
    "protocol": dataclasses.replace(PROTOCOLS.get("l4f"), name="own", title="their own way"),
}


def test_a_record_of_strangers_is_drawn_with_its_own_titles_after_the_known() -> None:
    report = build_report([record(**STRANGER), record()])
    assert [table.title for table in report.tables] == [
        "Shapes: scores of masks", "Their birds: scores of masks",
    ]  # fmt: skip
    for section in report.sections:
        for write in WRITERS.values():
            assert write(section)
    text = WRITERS["md"](report.sections[1])
    assert "Their method" in text
    assert "Protocol own: their own way" in text


def test_unknown_methods_come_last() -> None:
    theirs = record(method="theirs", method_title="Their method")
    (table,) = build_tables([theirs, record()])
    assert [row.method for row in table.rows] == ["ours-bisenet", "theirs"]


@pytest.mark.parametrize(
    ("dataset", "name"),
    [("../../etc/x", "etc-x"), ("a b", "a-b"), ("\x1b[31m", "31m"), ("/", "table")],
)
def test_no_text_of_a_record_becomes_a_path(dataset: str, name: str) -> None:
    (table,) = build_tables([record(**(STRANGER | {"dataset": dataset}))])
    assert table.name == name


def test_an_annotator_s_masks_of_photographs_are_not_the_papers_hand_drawn_ones() -> None:
    human = record(dataset="car", dataset_title="LSUN-Car", truth="human", annotator=None)
    by_network = record(dataset="car", dataset_title="LSUN-Car", truth="mask-rcnn")
    assert [table.name for table in build_tables([human, by_network])] == ["table3", "car"]


def test_mask_r_cnn_fills_the_papers_row_on_either_program() -> None:
    found = record(
        method="mask-rcnn", method_title="Mask R-CNN", dataset="horse", dataset_title="LSUN-Horse",
        truth="human", annotator=None, label="mask-rcnn",
    )  # fmt: skip
    (table,) = build_tables([found])
    (row,) = (row for row in table.rows if row.record)
    assert row.title == "Dt2"
    assert row.published is not None
    assert row.cells[0].difference is not None


def test_samples_scored_against_chosen_classes_are_compared_with_no_published_number() -> None:
    chosen = dataclasses.replace(BISENET, foreground_chosen=True)
    for annotator, compared in ((BISENET, True), (chosen, False)):
        (table,) = build_tables([samples(dataset="ffhq", annotator=annotator)])
        (row,) = (row for row in table.rows if row.record)
        assert (row.cells[0].difference is not None) == compared


def test_every_score_of_a_protocol_reaches_the_table() -> None:
    protocol = PROTOCOLS.get("voynov")
    scores = {key: Estimate(0.5, 0.4, 0.6) for key in (*protocol.metrics, "stranger")}
    other = record(method="bisenet", method_title="BiSeNet")
    (table,) = build_tables([record(protocol=protocol, scores=scores), other])
    section = table_section(table)
    assert section.headers[-4:-2] == ("max F-beta", "stranger")
    (line,) = (line for line in section.lines if line[0].startswith("Ours (BiSeNet)"))
    assert line[-4:] == ["0.500", "0.500", "2", "voynov"]
    assert {cell["reason"] for cell in section.rows if cell["measured"] is None} == {
        "protocol l4f has no such score"
    }
