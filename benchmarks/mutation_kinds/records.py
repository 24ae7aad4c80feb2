"""Records of evaluations, and pieces of them; what is read is drawn in every format."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from l4f_bench.evaluation.pieces import PIECE_FILE, merge_pieces
from l4f_bench.evaluation.records import RECORD_FILE, ImageEntry, Record, load_record
from l4f_bench.evaluation.scoring import MaskFolders
from l4f_bench.evaluation.shards import Shard
from l4f_bench.front import Records, Tables
from l4f_bench.reporting.difficulty import MIN_IMAGES
from l4f_bench.reporting.lines import record_lines
from l4f_bench.reporting.page import PAGE_FILE, write_page
from l4f_bench.reporting.reading import Found
from l4f_bench.reporting.report import build_report
from l4f_bench.reporting.writers import WRITERS, write_section
from mutation_kinds.kind import Kind

OLD = Path(__file__).parents[2] / "tests" / "evaluation" / "records_v1"
OURS = OLD.parents[2] / "reports" / "custom" / "level-255" / "car" / RECORD_FILE


def kinds(folder: Path) -> dict[str, Kind]:
    """Records of every setting in both versions, and the files of a piece."""
    found: dict[str, Kind] = {}
    for old in sorted(OLD.glob("*.json")):
        new = folder / f"new-{old.name}"
        load_record(old).save(new)
        found |= {f"record-1/{old.stem}": Kind(old, draw), f"record-2/{old.stem}": Kind(new, draw)}
    graded(load_record(OLD / "samples.json")).save(folder / "graded.json")
    found["record-2/graded"] = Kind(folder / "graded.json", draw)
    pieces = folder / "pieces"
    write_pieces(pieces)
    merged = Merge(pieces)
    for name in (RECORD_FILE, PIECE_FILE):
        found[f"piece/{name}"] = Kind(pieces / "1" / name, merged)
    return found


def graded(record: Record) -> Record:
    """A record of as many images as scores by quarter need, with what makes each hard."""
    images = [
        ImageEntry(key=i, tp=100 - i, fp=i, fn=i, tn=900, size=i / 50, offset=i / 90, contrast=i)
        for i in range(MIN_IMAGES)
    ]
    return replace(record, images=images, n=len(images))


def draw(path: Path) -> None:
    """Draw a record alone and beside others, as files, in a notebook and on the terminal."""
    read = load_record(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        show(read, path.parent)
        read.save(path.parent / "again.json")
    if load_record(path.parent / "again.json") != read:
        raise AssertionError("a record that is saved and read is another")


def show(record: Record, folder: Path) -> None:
    """Write a record in every format there is."""
    record_lines(record)
    Records([record])._repr_html_()
    others = [load_record(path) for path in (OURS, *sorted(OLD.glob("*.json")))]
    for number, drawn in enumerate(([record, *others], [record])):
        report = build_report(drawn)
        for section in report.sections:
            write_section(section, folder / str(number), WRITERS)
        found = Found(records=[(folder / RECORD_FILE, one) for one in drawn])
        write_page(folder / str(number) / PAGE_FILE, report, found)
        Tables(report)._repr_html_()
        Tables(report).to_frame()


def write_pieces(folder: Path) -> None:
    """Score three masks in two pieces."""
    rng = np.random.default_rng(0)
    for side in ("preds", "truth"):
        (folder / side).mkdir(parents=True)
        for index in range(3):
            mask = (rng.random((12, 12)) < 0.5).astype(np.uint8) * 255
            Image.fromarray(mask).save(folder / side / f"{index}.png")
    for number in (1, 2):
        setting = MaskFolders(
            preds=folder / "preds", target=folder / "truth", shard=Shard(number, 2)
        )
        setting.run().save(folder / str(number))


class Merge:
    """Merges two pieces, of one of which a file was damaged."""

    def __init__(self, whole: Path) -> None:
        self._whole = whole

    def __call__(self, path: Path) -> None:
        """Put the damaged file in its place, merge, and draw the outcome."""
        for number in ("1", "2"):
            shutil.copytree(self._whole / number, path.parent / number)
        shutil.copy(path, path.parent / "1")
        show(merge_pieces([path.parent / "1", path.parent / "2"]), path.parent / "report")
