"""All that a report is drawn from: records of every kind below some folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from l4f_bench.analysis.records import RECORD_FILE as ANALYSIS_FILE
from l4f_bench.analysis.records import BackgroundRecord, LayersRecord, load_analysis
from l4f_bench.editing.record import EDITS_FILE, EditRecord, load_edits
from l4f_bench.errors import InputError
from l4f_bench.evaluation.records import RECORD_FILE, Record, find_records, load_record
from l4f_bench.projection.record import PROJECTIONS_FILE, ProjectionRecord, load_projections

_FILES = (RECORD_FILE, EDITS_FILE, ANALYSIS_FILE, PROJECTIONS_FILE)


@dataclass(frozen=True, slots=True)
class Found:
    """What was read, each with its file, and what could not be."""

    records: list[tuple[Path, Record]] = field(default_factory=list)
    edits: list[tuple[Path, EditRecord]] = field(default_factory=list)
    analyses: list[tuple[Path, LayersRecord | BackgroundRecord]] = field(default_factory=list)
    projections: list[tuple[Path, ProjectionRecord]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Why files or folders were passed over."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read."""
        return not (self.records or self.edits or self.analyses or self.projections)


def read_all(paths: Sequence[Path]) -> Found:
    """Read every record in files, or in folders and those below them.

    What cannot be read is a fault among those returned, so that one bad file costs no table.

    Raises:
        InputError: Nothing can be read.
    """
    found = Found()
    files: list[Path] = []
    for path in paths:
        try:
            files += find_records([path], _FILES)
        except InputError as error:
            found.faults.append(str(error))
    for file in dict.fromkeys(files):
        try:
            if file.name == EDITS_FILE:
                found.edits.append((file, load_edits(file)))
            elif file.name == ANALYSIS_FILE:
                found.analyses.append((file, load_analysis(file)))
            elif file.name == PROJECTIONS_FILE:
                found.projections.append((file, load_projections(file)))
            else:
                found.records.append((file, load_record(file)))
        except InputError as error:
            found.faults.append(str(error))
    if found.is_empty and found.faults:
        raise InputError(found.faults[0])
    return found
