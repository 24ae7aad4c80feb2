"""Can one confusion matrix give the numbers that a row of a table prints?

The tables are the paper's, or anybody's as a CSV file. The arithmetic is that of
:mod:`l4f_bench.metrics.consistency`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from l4f_bench.errors import InputError
from l4f_bench.metrics.consistency import Classes, Fit, fit
from l4f_bench.metrics.protocols import PROTOCOLS
from l4f_bench.metrics.scores import TABLE_METRICS
from l4f_bench.reporting.published import MASK_TABLES, published_rows

PAPER_DIGITS = 2
MAX_BYTES = 10_000_000
MAX_DIGITS = 9
_DIGITS = "digits"
_PAIR = "iou_fg_bg"
_ALIASES = {"iou": "iou_fg", "acc": "accuracy", "prec": "precision", "rec": "recall"}
_EMPTY = ("", "-", "\u2013", "n/a")
_NUMBER = re.compile(r"[0-9]+(?:\.([0-9]*))?")


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintedRow:
    """A row of a table, as it is printed."""

    label: str
    """What it is a row of."""
    printed: dict[str, float]
    """Two or more scores in [0, 1] by name."""
    digits: int
    """Decimal places of the scores as shares; a printed 91.3% has 3."""

    @property
    def rounding(self) -> float:
        """How far a score that is rounded once may lie from what is printed."""
        return 0.5 * 10.0**-self.digits


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditedRow:
    """A row, and how well one confusion matrix fits it."""

    row: PrintedRow
    fit: Fit

    @property
    def consistent(self) -> bool:
        """Whether one confusion matrix can give the whole row."""
        return not self.fit.wrong


def audit(
    rows: list[PrintedRow], classes: Classes = "both", advance: Callable[[int], object] = bool
) -> list[AuditedRow]:
    """Check every row; ``advance`` is called with the number of rows just done."""
    audited = []
    for row in rows:
        audited.append(AuditedRow(row=row, fit=fit(row.printed, row.rounding, classes)))
        advance(1)
    return audited


def paper_rows() -> list[PrintedRow]:
    """The rows of the paper's Tables 1 to 4. That their fg and bg are exchanged changes nothing."""
    return [
        PrintedRow(
            label=" ".join(
                (f"Table {table}", row.dataset, row.method)
                + (() if row.truncation is None else (f"psi {row.truncation}",))
            ),
            printed=row.printed,
            digits=PAPER_DIGITS,
        )
        for table in MASK_TABLES
        for row in published_rows(table)
    ]


def classes_of(protocol: str) -> Classes:
    """The classes that a protocol averages F1, precision and recall over.

    Raises:
        InputError: It is unknown, or a mean over images, of which there is no one matrix.
    """
    spec = PROTOCOLS.get(protocol)
    if spec.pooling != "set":
        pooled = ", ".join(p.name for p in PROTOCOLS if p.pooling == "set")
        raise InputError(
            f"Scores of the protocol '{protocol}' are means over images: no one confusion matrix "
            f"gives them, so there is nothing to audit. Protocols that pool: {pooled}."
        )
    return spec.classes


def read_rows(path: Path) -> list[PrintedRow]:
    """The rows of a CSV file.

    Its columns are found by name, in any order and writing (``IoU fg``, ``iou_fg``): ``iou_fg`` (or
    ``iou``), ``iou_bg``, ``iou_fg/bg`` as ``0.91/0.97``, ``miou``, ``f1``, ``precision``,
    ``recall``, ``accuracy``, and ``digits``. All others label the row. Cells may be shares or
    percentages, alike in a row; empty ones and dashes are not printed. Without ``digits`` a row has
    as many as its longest cell, since spreadsheets drop zeros at the end.

    Raises:
        InputError: It cannot be read, has no such columns, or a cell is no score.
    """
    rows = csv.DictReader(io.StringIO(_text(path)))
    names = {column: _column(column) for column in rows.fieldnames or ()}
    scores = [name for name in names.values() if name in (*TABLE_METRICS, _PAIR)]
    if (len(scores) < 2 and scores != [_PAIR]) or len(set(scores)) < len(scores):
        raise InputError(
            f"{path} needs two or more columns of {', '.join(TABLE_METRICS)}, each once; its first "
            f"line names {', '.join(names) or 'none'}."
        )
    try:
        return list(_rows(rows, names, path))
    except csv.Error as error:
        raise InputError(f"{path} is no CSV file: {error}. Save the table as CSV.") from None


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} is no file. Give a table as a CSV file.")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} has more than {MAX_BYTES:,} bytes. Give a table of scores.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path} is no text in UTF-8. Save the table as CSV in UTF-8.") from None


def _column(name: str) -> str:
    """What a column is called here."""
    simple = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return _ALIASES.get(simple, simple)


def _rows(rows: csv.DictReader[str], names: Mapping[str, str], path: Path) -> Iterator[PrintedRow]:
    for cells in rows:
        where = f"{path}, line {rows.line_num}"
        if None in cells or None in cells.values():
            raise InputError(f"{where} has another number of cells than the first line.")
        texts = {names[column]: text.strip() for column, text in cells.items()}
        label = " ".join(
            text for name, text in texts.items() if name not in (*TABLE_METRICS, _PAIR, _DIGITS)
        )
        if _PAIR in texts:
            fg, _, bg = texts.pop(_PAIR).partition("/")
            texts |= {"iou_fg": fg.strip(), "iou_bg": bg.strip()}
        yield _row(label or f"line {rows.line_num}", texts, where)


def _row(label: str, texts: dict[str, str], where: str) -> PrintedRow:
    given = {key: texts[key] for key in TABLE_METRICS if texts.get(key, "") not in _EMPTY}
    if len(given) < 2:
        raise InputError(f"{where} has fewer than two scores, of which nothing follows.")
    values, shown = {}, 0
    for key, text in given.items():
        match = _NUMBER.fullmatch(text.removesuffix("%").strip())
        if match is None or float(match[0]) > 100:
            raise InputError(f"{where}: {key} is '{text[:40]}'. Scores are 0 to 1, or percent.")
        values[key] = float(match[0])
        shown = max(shown, len(match[1] or ""))
    percent = max(values.values()) > 1 or any(text.endswith("%") for text in given.values())
    digits = texts.get(_DIGITS, "") or str(shown)
    if digits not in map(str, range(MAX_DIGITS + 1)):
        raise InputError(f"{where}: digits are '{digits[:40]}'. Give decimal places, 0 to 9.")
    return PrintedRow(
        label=label,
        printed={key: value / 100 if percent else value for key, value in values.items()},
        digits=int(digits) + (2 if percent else 0),
    )
