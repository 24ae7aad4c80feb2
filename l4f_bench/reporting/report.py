"""All that records have to say: the paper's tables and ours, differences, trust, quality, edits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from l4f_bench.editing.record import EditRecord
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.reporting.differences import difference_section
from l4f_bench.reporting.difficulty import difficulty_section
from l4f_bench.reporting.editing import editing_section
from l4f_bench.reporting.mask_tables import table_section
from l4f_bench.reporting.published import MASK_TABLES, paper_tables
from l4f_bench.reporting.quality import NUMBER, quality_sections
from l4f_bench.reporting.sections import Section
from l4f_bench.reporting.tables import Table, build_tables
from l4f_bench.reporting.trust import rejection_section, trust_section

NUMBERS = (*MASK_TABLES, NUMBER)
"""The paper's tables."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is drawn."""

    sections: list[Section]
    tables: list[Table]
    """The mask scores among them, to compare with the published ones."""


def build_report(
    records: list[Record], number: int | None = None, edits: Sequence[EditRecord] = ()
) -> Report:
    """Everything that the records have to say, or one table of the paper.

    Args:
        records: Of evaluations.
        number: Only this table of the paper.
        edits: Records of measured edits.

    Raises:
        InputError: The paper has no such table, or no record has anything to say there.
    """
    if number not in (None, *NUMBERS):
        raise InputError(f"--table {number} is not one of the paper's. Give 1 to {NUMBER}.")
    tables = [
        table
        for table in build_tables(records)
        if number is None or (table.spec is not None and table.spec.number == number)
    ]
    others = [
        difference_section(records),
        difficulty_section(records),
        trust_section(records),
        rejection_section(records),
        *quality_sections(records),
        editing_section(list(edits)),
    ]
    sections = [table_section(table) for table in tables]
    sections += [
        section
        for section in others
        if section is not None and (number is None or section.name == f"table{number}")
    ]
    if not sections:
        where = "any table" if number is None else f"Table {number}"
        settings = {spec.number: spec.setting for spec in paper_tables()} | {NUMBER: "quality"}
        setting = "samples" if number is None else settings[number]
        raise InputError(
            f"None of the records belongs in {where}. Run `l4f-bench eval {setting}` on a data "
            "set of the paper, or leave --table out."
        )
    return Report(sections, tables)
