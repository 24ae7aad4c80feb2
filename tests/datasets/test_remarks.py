"""Remarks are counted, told once, and do not depend on the order of threads."""

from __future__ import annotations

from l4f_bench.datasets.remarks import Remark, Remarks


def test_every_remark_is_told_once_with_its_number_and_a_name() -> None:
    remarks = Remarks("pictures")
    for name in ("c.png", "a.png", "b.png"):
        remarks.add([Remark.PAGES], name)
    (told,) = remarks.news()
    assert told.startswith("3 pictures hold several pages")
    assert told.endswith("(a.png).")
    remarks.add([Remark.PAGES, Remark.DARK], "d.png")
    (told,) = remarks.news()
    assert told.startswith("1 pictures have 16 bits")
    assert remarks.news() == []


def test_every_remark_is_a_sentence_of_its_own() -> None:
    remarks = Remarks()
    remarks.add(Remark, "a.png")
    told = remarks.news()
    assert len(set(told)) == len(Remark)
    assert all("\n" not in sentence for sentence in told)
