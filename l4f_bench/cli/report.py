"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import say, stdout


def report(
    records: Annotated[
        list[Path] | None,
        typer.Argument(help="Record files, or folders to search for them.", show_default="runs"),
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", help="Comma-separated: md, csv, tex, json.")
    ] = "md,csv",
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("report"),
    table: Annotated[
        int | None,
        typer.Option(help="Only this table of the paper, 1 to 5.", show_default="all there is"),
    ] = None,
    plots: Annotated[
        bool, typer.Option("--plots", help="Also draw difficulty.png; needs matplotlib.")
    ] = False,
    check: Annotated[
        float | None,
        typer.Option(
            help="Exit with 1 if a measured mask score differs from its published one by more.",
            show_default="no check",
        ),
    ] = None,
) -> None:
    """Draw tables from records, with published numbers of the paper and the field beside them.

    Example: l4f-bench report runs/ --format md,tex --out tables --check 0.005
    """
    from l4f_bench.editing.record import EDITS_FILE, load_edits
    from l4f_bench.evaluation.records import RECORD_FILE, find_records, load_record
    from l4f_bench.reporting.difficulty import difficulty_rows
    from l4f_bench.reporting.difficulty_plot import PLOT_FILE, write_plot
    from l4f_bench.reporting.report import build_report
    from l4f_bench.reporting.tables import check_deviations, check_tolerance
    from l4f_bench.reporting.writers import markdown, write_section, writers
    from l4f_bench.runs import check_writable

    chosen = writers(formats)
    if check is not None:
        check_tolerance(check)
    check_writable(out)
    found = find_records(records or [Path("runs")], (RECORD_FILE, EDITS_FILE))
    loaded = [load_record(path) for path in found if path.name != EDITS_FILE]
    edits = [load_edits(path) for path in found if path.name == EDITS_FILE]
    drawn = build_report(loaded, table, edits)
    for section in drawn.sections:
        write_section(section, out, chosen)
        stdout.print(markdown(section))
    if plots and (rows := difficulty_rows(loaded)):
        write_plot(rows, out / PLOT_FILE)
    say(f"Tables: {out}")
    if check is not None:
        check_deviations(drawn.tables, check)


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("report")(report)
