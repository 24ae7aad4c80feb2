"""All that records have to say: the paper's tables and ours, and what else was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from l4f_bench.editing.record import EditRecord
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import Record
from l4f_bench.projection.record import ProjectionRecord
from l4f_bench.reporting.analyses import Analysis, analysis_sections
from l4f_bench.reporting.differences import difference_section
from l4f_bench.reporting.difficulty import difficulty_section
from l4f_bench.reporting.editing import editing_section
from l4f_bench.reporting.look import Look
from l4f_bench.reporting.mask_tables import table_section
from l4f_bench.reporting.projections import projection_section
from l4f_bench.reporting.protocols import protocols_section
from l4f_bench.reporting.published import MASK_TABLES, paper_tables
from l4f_bench.reporting.quality import NUMBER, quality_sections
from l4f_bench.reporting.sections import Section, file_stem
from l4f_bench.reporting.tables import Table, build_tables
from l4f_bench.reporting.trust import rejection_section, trust_section

NUMBERS = (*MASK_TABLES, NUMBER)
"""The paper's tables."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is drawn."""

    tables: list[Table]
    """The mask scores, beside the published ones."""
    others: list[Section]
    """What else the records say."""
    look: Look
    """How tables of masks are drawn."""

    @property
    def sections(self) -> list[Section]:
        """Everything, as it is written to files."""
        return self.drawn(self.look)

    def drawn(self, look: Look) -> list[Section]:
        """Everything, tables of masks in another look; no two have the same name."""
        sections = [table_section(table, look) for table in self.tables]
        taken: set[str] = set()
        named = []
        for section in [*sections, *self.others]:
            named.append(replace(section, name=file_stem(section.name, taken)))
            taken.add(named[-1].name)
        return named


def build_report(
    records: list[Record],
    number: int | None = None,
    *,
    edits: Sequence[EditRecord] = (),
    analyses: Sequence[Analysis] = (),
    projections: Sequence[ProjectionRecord] = (),
    look: Look | None = None,
) -> Report:
    """Everything that the records have to say, or one table of the paper.

    Args:
        records: Of evaluations.
        number: Only this table of the paper.
        edits: Records of measured edits.
        analyses: Records of analyses of generators.
        projections: Records of folders of projections.
        look: How tables of masks are drawn.

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
    look = look or Look()
    found = [
        difference_section(records),
        difficulty_section(records),
        trust_section(records),
        rejection_section(records),
        *quality_sections(records),
        editing_section(list(edits)),
        projection_section(projections),
        *analysis_sections(analyses),
    ]
    others = [
        section
        for section in found
        if section is not None and (number is None or section.name == f"table{number}")
    ]
    if not tables and not others:
        raise InputError(_nothing_to_say(number))
    protocols = protocols_section(tables, look) if look.all_protocols else None
    return Report(tables, others if protocols is None else [protocols, *others], look)


def _nothing_to_say(number: int | None) -> str:
    where = "any table" if number is None else f"Table {number}"
    settings = {spec.number: spec.setting for spec in paper_tables()} | {NUMBER: "quality"}
    setting = "samples" if number is None else settings[number]
    return (
        f"None of the records belongs in {where}. Run `l4f-bench eval {setting}` on a data "
        "set of the paper, or leave --table out."
    )
