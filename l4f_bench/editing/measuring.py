"""What edits change, over many samples; a stopped measurement goes on where it was.

The folder holds ``samples.jsonl``, a line for each sample done, and in the end ``editing.json``.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.distributed import from_first, in_rounds, is_first
from l4f_bench.editing.changes import changes
from l4f_bench.editing.config import EditConfig
from l4f_bench.editing.record import (
    EDITS_FILE,
    EditFacts,
    EditRecord,
    SampleEntry,
    estimated,
)
from l4f_bench.editing.scene import EditedSample, Scene
from l4f_bench.errors import InputError
from l4f_bench.json_data import parse_json
from l4f_bench.progress import Progress
from l4f_bench.provenance import environment, provenance
from l4f_bench.runs import append_lines, locked_folder, open_run, whole_lines, write_text

SAMPLES_FILE = "samples.jsonl"
_DIGITS = 6  # of numbers in records
_WHERE_NOT = {"device", "num_images"}  # options that change no sample


def measure_into(folder: Path, scene: Scene, *, resume: bool, progress: Progress) -> EditRecord:
    """Edit every sample, compare, and write the record into a folder.

    Args:
        folder: Where the record goes.
        scene: Samples and edits.
        resume: Go on where an earlier run of the same options stopped.
        progress: Told of every sample done.

    Raises:
        InputError: The folder holds another run or cannot be written, or there is nothing to
            preserve in any sample.
        MissingDependencyError: What fills backgrounds is not installed.
    """
    started, count = time.perf_counter(), scene.num_samples
    with locked_folder(folder) if is_first() else nullcontext():
        entries = from_first(_earlier(folder, scene, resume=resume) if is_first() else [])
        advance = progress(count - len(entries))
        for new in in_rounds(partial(_entry, scene), range(len(entries), count)):
            if is_first():
                append_lines(folder / SAMPLES_FILE, [json.dumps(asdict(entry)) for entry in new])
            entries += new
            advance(len(new))
        record = _record(scene, entries, started)
        if is_first():
            record.save(folder / EDITS_FILE)
        return record


def identity(scene: Scene) -> dict[str, Any]:
    """What must be the same for two runs to fill one folder."""
    options = {k: v for k, v in plain_options(scene.config).items() if k not in _WHERE_NOT}
    return {**options, "sha256": scene.digests}


def plain_options(config: EditConfig) -> dict[str, Any]:
    """The configuration as JSON data."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return plain


def _entry(scene: Scene, index: int) -> SampleEntry:
    sample = scene.edited(index)
    if sample.reason is not None:
        return SampleEntry(index=index, left_out=sample.reason)
    return SampleEntry(index=index, changes=_changes(scene, sample))


def _changes(scene: Scene, sample: EditedSample) -> list[list[list[float | None]]]:
    found = []
    for edit in sample.edits:
        inside = scene.inside(sample.source, edit.picture)
        ways = (edit.picture.image, edit.preserved)
        found.append([_plain(changes(sample.source.image, way, inside)) for way in ways])
    return found


def _plain(numbers: tuple[float, ...]) -> list[float | None]:
    return [None if number != number else round(number, _DIGITS) for number in numbers]


def _earlier(folder: Path, scene: Scene, *, resume: bool) -> list[SampleEntry]:
    """Check that the folder may be filled; returns what an earlier run has done of it."""
    open_run(folder, identity(scene), environment(), resume=resume, kind="measured edits")
    return _finished(folder / SAMPLES_FILE, len(scene.edits))[: scene.num_samples]


def _finished(path: Path, num_edits: int) -> list[SampleEntry]:
    """Samples of an earlier run up to the first line that is none of ours; the rest is removed."""
    lines = whole_lines(path)
    entries: list[SampleEntry] = []
    for index, line in enumerate(lines):
        try:
            entry = SampleEntry(**parse_json(line))
        except (TypeError, ValueError):
            break
        whole = entry.left_out is not None or len(entry.changes) == num_edits
        if entry.index != index or not whole:
            break
        entries.append(entry)
    if len(entries) < len(lines) or not lines:  # also makes the file that lines are added to
        write_text(path, "".join(f"{line}\n" for line in lines[: len(entries)]))
    return entries


def _record(scene: Scene, entries: list[SampleEntry], started: float) -> EditRecord:
    config = scene.config
    left_out = Counter(entry.left_out for entry in entries if entry.left_out is not None)
    if left_out.total() == len(entries):
        reasons = ", ".join(f"{reason} in {number}" for reason, number in left_out.items())
        raise InputError(
            f"There is nothing to preserve in any of {len(entries)} samples ({reasons}). Look at "
            "the masks with `l4f-bench sample`, or move --threshold."
        )
    found = estimated(entries, len(scene.edits), seed=config.seed)
    return EditRecord(
        dataset=config.dataset,
        dataset_title=DATASETS.get(config.dataset).title,
        n=len(entries) - left_out.total(),
        left_out=dict(left_out),
        truncation=scene.starts.truncation,
        seed=config.seed,
        threshold=config.threshold,
        fill=config.fill,
        margin=config.margin,
        sequence=config.sequence,
        edits=[
            EditFacts(label=edit.label, **edit.facts(), changes=changed)
            for edit, changed in zip(scene.edits, found, strict=True)
        ],
        samples=entries,
        config=plain_options(config),
        provenance=provenance(),
        digests=scene.digests,
        seconds=round(time.perf_counter() - started, 3),
    )
