"""How far pseudo ground truth can be trusted: one method's scores against it and against truth."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from tabulate import tabulate

from l4f_bench.datasets.specs import DATASETS
from l4f_bench.evaluation.records import Record
from l4f_bench.metrics.counts import COUNT_NAMES
from l4f_bench.metrics.intervals import Estimate, difference
from l4f_bench.metrics.protocols import PROTOCOLS, IntArray

METRIC = "miou"
_HEADERS = ["Data set", "Images", "n", "Method", "against annotator", "against exact", "apart"]


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustRow:
    """One method on one part of the images."""

    dataset: str
    method: str
    annotator: str
    subset: str
    """``accepted`` or ``rejected`` by the annotator."""
    n: int
    protocol: str
    against_annotator: Estimate | None
    """Mean IoU; None for the annotator itself."""
    against_exact: Estimate
    apart: Estimate | None
    """Against the annotator minus against exact masks, paired by image."""


def trust_rows(records: list[Record]) -> list[TrustRow]:
    """What the records of ``eval --on trust`` say, in their order."""
    parts = [record for record in records if record.subset != "all"]
    rows = []
    for exact in parts:
        if exact.truth != "exact":
            continue
        other = next((record for record in parts if _same_images(exact, record)), None)
        rows.append(
            TrustRow(
                dataset=exact.dataset,
                method=exact.method,
                annotator=str(exact.annotation["name"]),
                subset=exact.subset,
                n=exact.n,
                protocol=exact.protocol,
                against_annotator=other.scores[METRIC] if other else None,
                against_exact=exact.scores[METRIC],
                apart=_apart(other, exact) if other else None,
            )
        )
    return rows


def _same_images(exact: Record, other: Record) -> bool:
    """Whether ``other`` is the same evaluation against the annotator."""
    return (
        other.truth != "exact"
        and (other.method, other.dataset, other.subset, other.protocol)
        == (exact.method, exact.dataset, exact.subset, exact.protocol)
        and other.digests == exact.digests
        and [entry["index"] for entry in other.images] == [entry["index"] for entry in exact.images]
    )


def _apart(other: Record, exact: Record) -> Estimate:
    protocol = PROTOCOLS.get(exact.protocol)
    return difference(protocol, _counts(other), _counts(exact), paired=True)[METRIC]


def _counts(record: Record) -> IntArray:
    rows = [[entry[name] for name in COUNT_NAMES] for entry in record.images]
    return np.array(rows, dtype=np.int64).reshape(-1, len(COUNT_NAMES))


def markdown(rows: list[TrustRow]) -> str:
    """A section of the report."""
    body = tabulate(_lines(rows), _HEADERS, tablefmt="github", disable_numparse=True)
    return (
        f"## How far pseudo ground truth can be trusted\n\n{body}\n\n"
        "Mean IoU with 95% bootstrap intervals over images; `apart` is the score against the "
        "annotator minus that against exact masks, resampled by image. Accepted and rejected are "
        "the annotator's own choice. A method scored against an annotator that errs like it looks "
        "better than it is (apart > 0), else worse.\n"
    )


def latex(rows: list[TrustRow]) -> str:
    """The same as a LaTeX table; needs the package booktabs."""
    return tabulate(_lines(rows), _HEADERS, tablefmt="latex_booktabs", disable_numparse=True) + "\n"


def csv(rows: list[TrustRow]) -> str:
    """One line a row at full precision."""
    return str(pd.json_normalize(_plain(rows)).to_csv(index=False, na_rep="n/a"))


def to_json(rows: list[TrustRow]) -> str:
    """Rows at full precision."""
    return json.dumps({"section": "trust", "rows": _plain(rows)}, indent=1) + "\n"


TRUST_WRITERS = {"md": markdown, "csv": csv, "tex": latex, "json": to_json}


def _plain(rows: list[TrustRow]) -> list[dict[str, Any]]:
    return [asdict(row) for row in rows]


def _lines(rows: list[TrustRow]) -> list[list[str]]:
    return [
        [
            DATASETS.get(row.dataset).title,
            row.subset,
            str(row.n),
            row.method,
            "(is it)" if row.against_annotator is None else _number(row.against_annotator),
            _number(row.against_exact),
            "" if row.apart is None else _number(row.apart, "+"),
        ]
        for row in rows
    ]


def _number(estimate: Estimate, sign: str = "") -> str:
    if estimate.value is None:
        return "n/a"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:{sign}.4f}"
    return f"{estimate.value:{sign}.4f} [{estimate.low:{sign}.4f}, {estimate.high:{sign}.4f}]"
