"""Published numbers of the field beside measured ones, and what is never compared."""

from __future__ import annotations

import re
from typing import Any

import pytest

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.errors import BenchError
from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.intervals import Estimate
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.reporting.field import field_tables
from l4f_bench.reporting.mask_tables import table_section
from l4f_bench.reporting.published import PublishedRow
from l4f_bench.reporting.tables import Cell, Table, TableRow, build_tables, check_deviations
from l4f_bench.reporting.writers import WRITERS
from tests.goldens import SHARED
from tests.records import record

ROWS = [row for spec in field_tables() for row in spec.published]
COLUMNS = {
    "DUT-OMRON": "dut-omron", "DUTS-TE": "duts-te", "ECSSD": "ecssd", "CUB": "cub-200-2011",
    "Flowers": "flowers",
}  # fmt: skip


def on(dataset: str, method: str = "found", protocol: str = "voynov", **changes: Any) -> Record:
    """A record of human masks of a data set, as large as the published ones."""
    num_images = next(row.num_images for row in ROWS if row.dataset == dataset)
    fields: dict[str, Any] = {
        "dataset": dataset, "dataset_title": DATASETS.get(dataset).title, "method": method,
        "method_title": "Mine", "label": "mine", "truth": "human", "annotator": None,
        "protocol": PROTOCOLS.get(protocol), "n": num_images or 3,
        "scores": {"iou_fg": Estimate(0.7, 0.6, 0.8), "iou_bg": Estimate(0.9, 0.8, 0.95)},
    }  # fmt: skip
    return record(**(fields | changes))


def measured(table: Table) -> TableRow:
    (row,) = (row for row in table.rows if row.record is not None)
    return row


def cell_of(found: Record) -> Cell:
    (table,) = build_tables([found])
    return measured(table).cells[0]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.dataset}-{row.method}")
def test_every_row_says_how_and_where(row: PublishedRow) -> None:
    assert DATASETS.get(row.dataset).images
    assert row.method_title
    assert re.search(r"\((CVPR|ICLR|ICML|WACV) 20\d\d\)", row.source)
    assert row.protocol in PROTOCOLS or row.unlike
    assert 0 < row.printed["iou_fg"] < 1
    assert row.value("iou_fg") == row.printed["iou_fg"]
    assert row.value("iou_bg") is None


def test_the_numbers_are_those_that_were_gathered() -> None:
    if not (SHARED / "field.md").exists():
        pytest.skip("the gathered numbers are not at hand")
    text = (SHARED / "field.md").read_text(encoding="utf-8").partition("## 3.")[2]
    lines = [
        line.split("|")[1:-1] for line in text.partition("\n## ")[0].splitlines() if "|" in line
    ]
    header = [cell.strip() for cell in lines[0]]
    gathered = {
        (COLUMNS[column], line[0].partition("(perturbed")[0].strip(), float(cell.split()[0]))
        for line in lines[2:]
        for column, cell in zip(header, line, strict=True)
        if column in COLUMNS and cell.strip() and "?" not in cell
    }
    assert {(row.dataset, row.method_title, row.printed["iou_fg"]) for row in ROWS} == gathered
    assert len(ROWS) == len(gathered) == 35


def test_a_record_stands_beside_the_published_rows_of_its_data_set() -> None:
    (table,) = build_tables([on("duts-te")])
    assert (table.name, table.title) == ("duts-te", "DUTS-TE: masks of real images")
    assert [row.method for row in table.rows][-2:] == ["selfmask", "found"]
    cell = measured(table).cells[0]
    assert cell.published == 0.645
    assert cell.difference == pytest.approx(0.7 - 0.645)
    assert [c.difference for c in measured(table).cells[1:]] == [None] * 6


def test_the_table_labels_published_numbers_with_source_and_protocol() -> None:
    (table,) = build_tables([on("ecssd"), on("ecssd", "mine", "l4f")])
    lines = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in WRITERS["md"](table_section(table)).splitlines()
    ]
    source = "published: FOUND (CVPR 2023), Table 2"
    start = next(i for i, line in enumerate(lines) if line[:1] == ["SelfMask"])
    assert lines[start][:4] == ["SelfMask", "ECSSD", source, "0.781/n/a"]
    assert lines[start][-2:] == ["1000", "voynov"]
    assert lines[start + 1][:4] == ["FOUND (multi): mine", "ECSSD", source, "0.807/n/a"]
    assert lines[start + 2][2:4] == ["measured", "0.700/0.900"]
    assert lines[start + 3][2:4] == ["difference", "-0.107/n/a"]
    assert lines[start + 4][2:4] == ["95% interval", "[0.600, 0.800]/[0.800, 0.950]"]
    assert lines[start + 5][:4] == ["Mine", "ECSSD", "measured", "0.700/0.900"]
    assert lines[start + 6][2] == "95% interval"
    assert not any("[2]" in cell for line in lines for cell in line)


def test_machines_get_source_and_protocol_of_each_number() -> None:
    (table,) = build_tables([on("ecssd")])
    rows = [row for row in table_section(table).rows if row["method"] == "found"]
    assert rows[0]["table"] == "ecssd"
    assert (rows[0]["published"], rows[0]["published_protocol"]) == (0.807, "voynov")
    assert rows[0]["published_source"] == "FOUND (CVPR 2023), Table 2"
    assert rows[0]["published_n"] == 1000


@pytest.mark.parametrize("protocol", [name for name in PROTOCOLS.names() if name != "voynov"])
def test_other_protocols_are_shown_without_a_difference(protocol: str) -> None:
    cell = cell_of(on("duts-te", protocol=protocol))
    assert (cell.published, cell.measured, cell.difference) == (0.645, 0.7, None)
    assert cell.reason == (f"protocol {protocol} is not that of the published numbers (voynov)")


def test_a_part_of_the_images_is_shown_without_a_difference() -> None:
    cell = cell_of(on("duts-te", n=100))
    assert cell.difference is None
    assert cell.reason == "100 images were scored, and for the published numbers 5019"


@pytest.mark.parametrize(
    ("dataset", "method", "said"),
    [
        ("cub-200-2011", "pseg", "foreground IoU or the mean IoU of both classes"),
        ("cub-200-2011", "redo", "splits the images"),
        ("flowers", "bigbigan", "not known which of the flowers"),
    ],
)
def test_doubtful_numbers_are_shown_compared_with_nothing_and_noted(
    dataset: str, method: str, said: str
) -> None:
    (table,) = build_tables([on(dataset, method)])
    cell = measured(table).cells[0]
    assert (cell.published is not None, cell.difference) == (True, None)
    assert said in str(cell.reason)
    assert any(
        note.startswith("Compared with nothing: ") and said in note
        for note in table_section(table).notes
    )


def test_a_method_of_which_nothing_is_published_comes_last() -> None:
    (table,) = build_tables([on("ecssd", "mine")])
    row = table.rows[-1]
    assert (row.title, row.published) == ("Mine", None)
    assert row.cells[0].reason == "no number of this method is published here"


def test_an_annotator_s_masks_are_not_those_of_the_published_numbers() -> None:
    by_network = on("ecssd", truth="bisenet")
    (alone,) = build_tables([by_network])
    assert alone.spec is None
    tables = build_tables([on("ecssd"), by_network])
    assert [(table.name, table.spec is None) for table in tables] == [
        ("ecssd", False), ("ecssd-2", True),
    ]  # fmt: skip


def test_a_check_counts_these_differences_too() -> None:
    tables = build_tables([on("duts-te")])
    check_deviations(tables, 0.06)
    with pytest.raises(BenchError, match=r"FOUND \(multi\) DUTS-TE iou_fg 0\.7000 against 0\.645"):
        check_deviations(tables, 0.05)
