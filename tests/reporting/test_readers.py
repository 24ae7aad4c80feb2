"""Tables as people read them: order, runs, digits, the exchanged pair, the paper's layout."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import stdev
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.intervals import estimate
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.mask_tables import table_section
from l4f_bench.reporting.report import build_report
from l4f_bench.reporting.sections import Section
from l4f_bench.reporting.tables import build_tables
from l4f_bench.reporting.terminal import print_report
from tests.records import EXACT, FOUND, record, samples


def run(weights: str, counts: list[list[int]] = EXACT, **changes: Any) -> Record:
    """A run of ours with its own alpha network."""
    return samples(counts, digests={"annotator": "a", "alpha": weights}, **changes)


def section_of(records: list[Record], **look: Any) -> Section:
    (table,) = build_tables(records)
    return table_section(table, Look(**look))


def first_cells(section: Section) -> list[str]:
    return [line[0] for line in section.lines if line[0]]


def test_rows_go_by_psi_then_method_with_strangers_last() -> None:
    records = [
        samples(method="theirs", method_title="Theirs", label="theirs", truncation=0.5),
        record(method="bisenet", method_title="BiSeNet", label="bisenet"),
        samples(truncation=1.0),
        samples(method="grabcut", method_title="GrabCut", label="grabcut"),
        samples(method="pseg", method_title="PSeg", label="pseg"),
        samples(),
    ]
    found = [(line[0], line[2]) for line in section_of(records, intervals=False).lines]
    assert found == [
        ("PSeg", "0.7"), ("Ours", "0.7"), ("GrabCut", "0.7"), ("Ours", "1"), ("BiSeNet", ""),
        ("Theirs", "0.5"),
    ]  # fmt: skip


def test_others_stand_beside_the_published_rows_of_their_data_set() -> None:
    human = {"truth": "human", "annotator": None}
    records = [
        record(dataset=name, dataset_title=title, method="grabcut", label="g", **human)
        for name, title in (("car", "LSUN-Car"), ("ffhq", "FFHQ"))
    ]
    (table,) = build_tables(records)
    assert [row.dataset for row in table.rows] == [
        *["ffhq"] * 3, *["cat"] * 2, *["horse"] * 2, *["car"] * 3,
    ]  # fmt: skip


def test_runs_of_other_weights_are_one_row_of_mean_and_deviation() -> None:
    runs = [run("one"), run("two", FOUND), run("three", [[15, 0, 5, 80], [20, 0, 0, 80]])]
    section = section_of(runs, digits=6)
    assert section.lines[0][3] == "measured, mean of 3 runs"
    assert section.lines[1][3] == "± standard deviation"
    values = [r.scores["miou"].value for r in runs]
    place = section.headers.index("mIOU")
    assert float(section.lines[0][place]) == pytest.approx(np.mean(values), abs=1e-6)
    assert float(section.lines[1][place]) == pytest.approx(stdev(values), abs=1e-6)  # type: ignore[arg-type]
    assert any("weights one; weights two; weights three" in note for note in section.notes)
    assert {row["weights"] for row in section.rows} == {"one", "two", "three"}
    each = section_of(runs, each_run=True, intervals=False)
    assert first_cells(each) == [f"Ours (weights {name})" for name in ("one", "two", "three")]


def test_seeds_are_runs_and_are_named() -> None:
    section = section_of([run("one"), run("one", FOUND, seed=7)], each_run=True, intervals=False)
    assert first_cells(section) == ["Ours (seed 0)", "Ours (seed 7)"]


@pytest.mark.parametrize(
    "change",
    [
        {"threshold": 0.5},
        {"label": "ours, area from 0.1"},
        {"protocol": PROTOCOLS.get("drc")},
        {"digests": {"annotator": "b", "alpha": "two"}},
    ],
    ids=str,
)
def test_what_differs_in_more_than_seed_and_weights_is_no_run(change: dict[str, Any]) -> None:
    other = dataclasses.replace(run("two", FOUND), **change)
    assert len(first_cells(section_of([run("one"), other], intervals=False))) == 2


def test_one_evaluation_kept_twice_is_one_row() -> None:
    section = section_of([run("one"), run("one")])
    assert (first_cells(section), section.lines[0][3]) == (["Ours"], "measured")


def test_equal_weights_with_other_scores_are_not_pooled() -> None:
    section = section_of([run("one"), run("one", FOUND)], intervals=False)
    assert [line[3] for line in section.lines] == ["measured", "measured"]


def car(**changes: Any) -> Record:
    """A record of the custom set's cars that stands beside the paper's row."""
    fields = {
        "method": "ours", "method_title": "Ours", "label": "ours", "dataset": "car",
        "dataset_title": "LSUN-Car", "truth": "human", "annotator": None,
    }  # fmt: skip
    return record(**(fields | changes))


def test_measured_and_difference_have_equal_digits_and_one_order() -> None:
    lines = [line for line in section_of([car()], digits=4).lines if line[2] != "95% interval"]
    start = next(i for i, line in enumerate(lines) if line[:2] == ["Ours", "LSUN-Car"])
    published, measured, apart = (line[3] for line in lines[start : start + 3])
    assert published == "0.95/0.98†"  # the paper prints 0.98/0.95
    own = [float(number) for number in measured.split("/")]
    assert [len(part.split(".")[1]) for part in (*measured.split("/"), *apart.split("/"))] == [
        4
    ] * 4
    for number, target, difference in zip(own, (0.95, 0.98), apart.split("/"), strict=True):
        assert number - target == pytest.approx(float(difference), abs=1e-4)


def test_only_the_scores_asked_for_are_shown() -> None:
    section = section_of([record()], metrics=("miou", "f1"))
    assert section.headers == ("Method", "Data set", "Source", "mIOU", "F1", "n", "Protocol")
    assert len({row["metric"] for row in section.rows}) == 7  # machines get all
    for wrong in ({"metrics": ("mIoU",)}, {"digits": 0}, {"layout": "papre"}):
        with pytest.raises(InputError):
            Look(**wrong)  # type: ignore[arg-type]


def test_every_protocol_scores_the_same_counts() -> None:
    report = build_report([record(FOUND)], look=Look(all_protocols=True, metrics=("f1",)))
    section = next(section for section in report.sections if section.name == "protocols")
    (line,) = section.lines
    for name, cell in zip(section.headers[4:], line[4:], strict=True):
        expected = estimate(PROTOCOLS.get(name), np.array(FOUND))["f1"].value
        assert float(cell) == pytest.approx(expected, abs=5e-4)
    assert section.headers[4:] == tuple(PROTOCOLS.names())
    assert line[4] != line[5]


def test_the_papers_layout_has_a_row_a_method() -> None:
    section = section_of([car()], layout="paper")
    assert section.latex is not None
    for wanted in (r"\label{tab:table3}", r"\toprule", r"\resizebox", r"\emph{LSUN-Car}"):
        assert section.latex.count(wanted) == 1
    rows = [line for line in section.latex.splitlines() if line.startswith(("Ours", "Dt2", "BiSe"))]
    assert len(rows) == 8
    assert r"(.95$^\dagger$)" in rows[-1]
    pooled = section_of([run("one"), run("two", FOUND)], layout="paper")
    assert r"Ours (2 runs) & " in str(pooled.latex)
    assert r"$\pm$" in str(pooled.latex)


@pytest.mark.parametrize("width", [1, 20, 40, 80, 119, 120, 160, 240])
def test_no_terminal_is_too_narrow(width: int, tmp_path: Path) -> None:
    label = "a label that is longer than anything that fits " * 3
    records = [car(), record(), run("one"), run("two", FOUND), samples(label=label, method="x")]
    report = build_report(records)
    with (tmp_path / "shown").open("w+", encoding="utf-8") as file:
        print_report(report, Console(file=file, width=width, color_system=None))
        file.seek(0)
        text = file.read()
    assert max(map(len, text.splitlines())) <= width
    squeezed = "".join(text.split())
    assert "0.95/0.98†" in squeezed  # no number is lost
    assert ("95%interval" in squeezed) == (width >= 160)


def test_eighty_columns_hold_a_table(tmp_path: Path) -> None:
    with (tmp_path / "shown").open("w+", encoding="utf-8") as file:
        print_report(build_report([car()]), Console(file=file, width=80, color_system=None))
        file.seek(0)
        lines = file.read().splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("LSUN-Car"))
    found = [line.split()[0] for line in lines[start + 1 : start + 5]]
    assert found == ["Dt2,", "Ours", "published", "difference"]


def test_sections_of_one_name_are_files_of_two() -> None:
    theirs = {"dataset": "differences", "dataset_title": "D"}
    pair = [record(), record(method="bisenet", method_title="BiSeNet")]
    names = [section.name for section in build_report([record(**theirs), *pair]).sections]
    assert len(set(names)) == len(names)
    assert {"differences", "differences-2"} <= set(names)
