"""The command audit."""

from __future__ import annotations

import json

import typer

from l4f_bench.cli.console import stdout
from l4f_bench.cli.options import AsJson


def audit(as_json: AsJson = False) -> None:
    """Check that one pooled confusion matrix can give each published row of Tables 1 to 4.

    The two IoUs of a row fix its F1 and accuracy and bound its precision and recall; the cells
    that contradict them are printed.
    """
    from l4f_bench.reporting.audit import audit as run
    from l4f_bench.reporting.lines import audit_json, audit_lines

    rows = run()
    stdout.print(json.dumps(audit_json(rows)) if as_json else audit_lines(rows))


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("audit")(audit)
