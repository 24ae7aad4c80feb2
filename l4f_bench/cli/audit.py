"""The command audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import stdout
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.options import AsJson, Protocol


def audit(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE.csv]",
            help="A table of scores as CSV: two or more of iou_fg, iou_bg, miou, f1, precision, "
            "recall and accuracy; digits, if zeros at the end are missing; other columns are "
            "labels.",
            show_default="Tables 1 to 4 of the paper",
        ),
    ] = None,
    protocol: Protocol = "l4f",
    as_json: AsJson = False,
) -> None:
    """Check which rows of a table one pooled confusion matrix can give.

    For every row: at which rounding it begins to fail, beside the rounding that its digits mean.
    For a row that fails: the fewest cells that contradict the others, and what these allow. F1,
    precision and recall are means of both classes (l4f), or the foreground's (--protocol drc).

    Example: l4f-bench audit table.csv --protocol drc
    """
    from l4f_bench.reporting.audit import audit as run
    from l4f_bench.reporting.audit import classes_of, paper_rows, read_rows
    from l4f_bench.reporting.audit_lines import audit_json, audit_lines

    classes = classes_of(protocol)
    rows = paper_rows() if file is None else read_rows(file)
    with followed("Auditing", unit="rows") as progress:
        audited = run(rows, classes, progress(len(rows)))
    stdout.print(json.dumps(audit_json(audited)) if as_json else audit_lines(audited))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("audit", rich_help_panel=panel)(long(audit))
