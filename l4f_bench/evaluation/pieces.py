"""Evaluations of a part of the images, and how they become one record: exactly, as counts add up.

Beside the record of a piece lies ``piece.npz`` with all that a merge needs of its images: counts by
threshold, cells of the true masks, the masks at both ends for the controls, and in ``text`` a JSON
document with what there is to say of the files.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from l4f_bench.datasets.mask_levels import MaskUse
from l4f_bench.datasets.remarks import Remark
from l4f_bench.errors import InputError
from l4f_bench.evaluation.controls import Controls, Looked, PackedMask
from l4f_bench.evaluation.counting import Counts, Row
from l4f_bench.evaluation.difficulty import Difficulty
from l4f_bench.evaluation.mask_notes import MaskNote, Reading, SideNote, pair_warnings
from l4f_bench.evaluation.records import RECORD_FILE, Record, load_record, rescored
from l4f_bench.files.errors import RefusedError
from l4f_bench.files.npz import read_arrays
from l4f_bench.metrics.counts import COUNT_NAMES, NUM_LEVELS
from l4f_bench.runs import atomic_path

PIECE_FILE = "piece.npz"

_TABLES = ("counts", "levels", "counts_without_bars", "levels_without_bars")
_ENDS = ("first", "last")
_NAMES = ("text", *_TABLES, "shifted", "cells", "cell_sizes", "shapes", *_ENDS)


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A part of the images, counted."""

    span: range
    """Which of the images."""
    total: int
    """Images in all."""
    counts: Counts
    said: list[str]
    """What there is to say of the files, grey levels aside."""
    reading: Reading
    """How mask files were read."""


def write_piece(folder: Path, piece: Piece) -> None:
    """Write what a merge needs beside the record of a piece.

    Raises:
        InputError: The folder cannot be written.
    """
    counts, controls = piece.counts, piece.counts.controls
    text = {
        "span": [piece.span.start, piece.span.stop],
        "total": piece.total,
        "said": piece.said,
        "reading": asdict(piece.reading),
        "rejected": dict(counts.rejected),
        "rows": [
            {
                "index": row.index,
                "key": row.key,
                "preds": row.preds_name,
                "note": _noted(row.note),
                "difficulty": asdict(row.difficulty),
                "num_objects": row.num_objects,
            }
            for row in counts.rows
        ],
        "ends": [_described(getattr(controls, end)) for end in _ENDS],
    }
    arrays: dict[str, npt.NDArray[Any]] = {
        "text": np.frombuffer(json.dumps(text).encode(), np.uint8),
        "counts": counts.table,
        "shifted": np.array(controls.shifted, np.int64).reshape(-1, 4),
        "cells": np.frombuffer(b"".join(controls.cells), np.uint8),
        "cell_sizes": np.array([len(cells) for cells in controls.cells], np.int64),
        "shapes": np.array(controls.shapes, np.int64).reshape(-1, 2),
        **{end: _bits(getattr(controls, end)) for end in _ENDS},
    }
    for name, table in (
        ("levels", counts.levels),
        ("counts_without_bars", counts.table_without_bars),
        ("levels_without_bars", counts.levels_without_bars),
    ):
        if table is not None:
            arrays[name] = table
    with atomic_path(folder / PIECE_FILE) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def merge_pieces(folders: Sequence[Path]) -> Record:
    """One record of all images from those of their parts.

    Args:
        folders: Folders of pieces, or folders above them.

    Raises:
        InputError: A file cannot be read, the pieces are of different evaluations, or images are
            missing or in several pieces.
    """
    found = [path.parent for folder in folders for path in sorted(folder.rglob(PIECE_FILE))]
    if not found:
        raise InputError(
            f"{folders[0]} holds no {PIECE_FILE}. Score parts with --shard 1/16 and so on."
        )
    pieces = sorted(
        ((_read(folder), load_record(folder / RECORD_FILE)) for folder in found),
        key=lambda one: (one[0].span.start, one[0].span.stop),
    )
    _check_alike([record for _, record in pieces], found)
    _check_whole([piece for piece, _ in pieces])
    counts = Counts(drawn=pieces[0][0].total)
    for piece, _ in pieces:
        counts.rows += piece.counts.rows
        counts.rejected += piece.counts.rejected
        counts.controls.extend(piece.counts.controls)
    first, record = pieces[0]
    assert record.protocol is not None, "records with pixel counts have a protocol"
    notes = pair_warnings(counts.notes, record.protocol, first.reading)
    said = dict.fromkeys(line for piece, _ in pieces for line in piece.said)
    whole = replace(
        record,
        piece=None,
        config=record.config | {"shard": None},
        warnings=[*said, *notes],
        seconds=round(sum(record.seconds for _, record in pieces), 3),
    )
    return rescored(whole, counts)


def _check_alike(records: list[Record], folders: list[Path]) -> None:
    """Raise unless all pieces are of one evaluation."""
    same = ("method", "dataset", "label", "truth", "digests", "images_digest")
    first = records[0]
    for record, folder in zip(records, folders, strict=True):
        differing = [name for name in same if getattr(record, name) != getattr(first, name)]
        differing += [
            name
            for name in sorted({*record.config, *first.config} - {"shard"})
            if record.config.get(name) != first.config.get(name)
        ]
        if differing:
            raise InputError(
                f"{folder} is a piece of another evaluation: {', '.join(differing[:4])} differ. "
                "Merge pieces of the same options and files."
            )


def _check_whole(pieces: list[Piece]) -> None:
    """Raise unless every image is in exactly one piece."""
    total, reached = pieces[0].total, 0
    for piece in [*pieces, replace(pieces[-1], span=range(total, total))]:
        if piece.total != total:
            raise InputError(f"One piece is of {piece.total} images and another of {total}.")
        if piece.span.start < reached:
            twice = [row.key for row in piece.counts.rows if row.index < reached]
            named = f" ({', '.join(map(str, twice[:3]))}, …)" if twice else ""
            raise InputError(
                f"Images {piece.span.start} to {min(reached, piece.span.stop) - 1}{named} are in "
                "several pieces. Leave one out."
            )
        if piece.span.start > reached:
            before = [
                row.key for other in pieces for row in other.counts.rows if row.index < reached
            ]
            after = f" after {before[-1]}" if before else ""
            raise InputError(
                f"Images {reached} to {piece.span.start - 1} of {total}{after} are in no piece. "
                "Score them as well."
            )
        reached = piece.span.stop


def _read(folder: Path) -> Piece:
    """A piece, every part of it checked.

    Raises:
        InputError: The file cannot be read, or is not a piece.
    """
    path = folder / PIECE_FILE
    try:
        arrays = read_arrays(path, _NAMES)
        return _piece(arrays, json.loads(arrays["text"].tobytes()))
    except (RefusedError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise InputError(f"{path} cannot be read as a piece ({reason}). Score it again.") from None


def _piece(arrays: dict[str, npt.NDArray[Any]], text: dict[str, Any]) -> Piece:
    start, stop, total = (int(number) for number in (*text["span"], text["total"]))
    rows = text["rows"]
    if not 0 <= start <= stop <= total or len(rows) > stop - start:
        raise ValueError("its images are not a part of all")
    tables = {name: arrays.get(name) for name in _TABLES}
    for name, table in tables.items():
        one = (2, NUM_LEVELS) if name.startswith("levels") else (len(COUNT_NAMES),)
        if table is not None and (table.shape != (len(rows), *one) or table.dtype != np.int64):
            raise ValueError("its tables are not of its images")
    counts = Counts(drawn=stop, rejected=Counter(text["rejected"]))
    for number, row in enumerate(rows):
        own = {name: None if table is None else table[number] for name, table in tables.items()}
        if not start <= row["index"] < stop:
            raise ValueError("an image is not of its part")
        counts.rows.append(
            Row(
                index=int(row["index"]),
                key=row["key"],
                preds_name=row["preds"],
                reason=None,
                note=_note(row["note"]),
                difficulty=_difficulty(row["difficulty"]),
                num_objects=None if row["num_objects"] is None else int(row["num_objects"]),
                **own,  # type: ignore[arg-type]
            )
        )
    counts.controls = _controls(arrays, text)
    reading = Reading(**text["reading"])
    said = [str(line) for line in text["said"]]
    return Piece(span=range(start, stop), total=total, counts=counts, said=said, reading=reading)


def _difficulty(values: dict[str, Any]) -> Difficulty:
    numbers: dict[str, Any] = {
        name: None if value is None else float(value) for name, value in values.items()
    }
    if any(value is not None and not math.isfinite(value) for value in numbers.values()):
        raise ValueError("what makes an image hard is no number")
    return Difficulty(**numbers)


def _controls(arrays: dict[str, npt.NDArray[Any]], text: dict[str, Any]) -> Controls:
    content, ends = arrays["cells"].tobytes(), np.cumsum(arrays["cell_sizes"])
    if len(ends) and ends[-1] != len(content):
        raise ValueError("its cells are incomplete")
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    first, last = (
        None if shapes is None else _looked(shapes, arrays[end])
        for end, shapes in zip(_ENDS, text["ends"], strict=True)
    )
    return Controls(
        first=first,
        last=last,
        shifted=list(arrays["shifted"]),
        cells=[content[start:end] for start, end in zip(starts, ends, strict=True)],
        shapes=[(int(height), int(width)) for height, width in arrays["shapes"]],
    )


def _described(looked: Looked | None) -> list[list[int]] | None:
    """Shapes of the masks of an image at an end."""
    if looked is None:
        return None
    masks = (looked.preds, looked.target, looked.counted)
    return [list(mask.shape) for mask in masks if mask is not None]


def _bits(looked: Looked | None) -> npt.NDArray[np.uint8]:
    """The masks of an image at an end, one after the other."""
    masks = () if looked is None else (looked.preds, looked.target, looked.counted)
    return np.frombuffer(b"".join(mask.content for mask in masks if mask is not None), np.uint8)


def _looked(shapes: list[list[int]], bits: npt.NDArray[Any]) -> Looked:
    masks, content = [], bits.tobytes()
    for height, width in shapes:
        size = -(-int(height) * int(width) // 8)
        if not 0 < size <= len(content):
            raise ValueError("a mask at its end is incomplete")
        masks.append(PackedMask((int(height), int(width)), content[:size]))
        content = content[size:]
    preds, target, *counted = masks
    return Looked(preds, target, counted[0] if counted else None, b"")


def _noted(note: MaskNote | None) -> dict[str, Any] | None:
    if note is None:
        return None
    sides = {name: getattr(note, name) for name in ("preds", "target")}
    return {
        **{
            name: side
            and {
                "name": side.use.name,
                "levels": list(side.use.levels),
                "remarks": [remark.name for remark in side.use.remarks],
                "moved": side.moved.tolist(),
            }
            for name, side in sides.items()
        },
        "num_ignored": note.num_ignored,
        "is_black": note.is_black,
    }


def _note(text: dict[str, Any] | None) -> MaskNote | None:
    if text is None:
        return None
    preds, target = (_side(text[name]) for name in ("preds", "target"))
    return MaskNote(preds, target, int(text["num_ignored"]), bool(text["is_black"]))


def _side(text: dict[str, Any] | None) -> SideNote | None:
    if text is None:
        return None
    remarks = tuple(Remark[name] for name in text["remarks"])
    moved = np.array(text["moved"], np.int64).reshape(-1, 4)
    return SideNote(MaskUse(str(text["name"]), bytes(text["levels"]), remarks), moved)
