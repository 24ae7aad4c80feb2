"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.errors import InputError

if TYPE_CHECKING:
    from l4f_bench.reporting.report import Report


def report(
    records: Annotated[
        list[Path] | None,
        typer.Argument(help="Record files, or folders to search for them.", show_default="runs"),
    ] = None,
    formats: Annotated[
        str,
        typer.Option("--format", help="Comma-separated: md, csv, tex, json; html for one page."),
    ] = "md,csv",
    out: Annotated[Path, typer.Option(help="Folder for the tables.")] = Path("report"),
    table: Annotated[
        int | None,
        typer.Option(help="Only this table of the paper, 1 to 5.", show_default="all there is"),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(help="Only these scores: miou,iou_fg,…", show_default="all there are"),
    ] = None,
    digits: Annotated[int, typer.Option(help="Digits of measured scores.")] = 3,
    intervals: Annotated[
        bool | None,
        typer.Option(
            "--intervals/--no-intervals",
            help="Show 95% intervals.",
            show_default="where there is room",
        ),
    ] = None,
    each_run: Annotated[
        bool,
        typer.Option("--each-run", help="Show runs of other seeds or weights one by one."),
    ] = False,
    all_protocols: Annotated[
        bool,
        typer.Option("--all-protocols", help="Also score the same counts by every protocol."),
    ] = False,
    layout: Annotated[
        str, typer.Option(help="Of tex: full, or paper for one row a method in a column.")
    ] = "full",
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

    Example: l4f-bench report runs/ --format md,tex,html --out tables --check 0.005
    """
    from l4f_bench.reporting.difficulty import difficulty_rows
    from l4f_bench.reporting.difficulty_plot import PLOT_FILE, write_plot
    from l4f_bench.reporting.look import Look, named_metrics
    from l4f_bench.reporting.page import PAGE_FILE, write_page
    from l4f_bench.reporting.reading import read_all
    from l4f_bench.reporting.report import build_report
    from l4f_bench.reporting.tables import check_deviations, check_tolerance
    from l4f_bench.reporting.writers import write_section, writers
    from l4f_bench.runs import check_writable

    chosen, page = writers(formats)
    if check is not None:
        check_tolerance(check)
    look = Look(
        metrics=named_metrics(metrics), digits=digits, intervals=intervals is not False,
        each_run=each_run, all_protocols=all_protocols, layout=layout,
    )  # fmt: skip
    check_writable(out)
    found = read_all(records or [Path("runs")])
    loaded = [record for _, record in found.records]
    drawn = build_report(
        loaded,
        table,
        edits=[record for _, record in found.edits],
        analyses=[record for _, record in found.analyses],
        projections=[record for _, record in found.projections],
        look=look,
    )
    for section in drawn.sections:
        write_section(section, out, chosen)
    if page:
        write_page(out / PAGE_FILE, drawn, found)
    if plots and (rows := difficulty_rows(loaded)):
        write_plot(rows, out / PLOT_FILE)
    _print(drawn, intervals)  # last: whoever reads stdout may stop early
    say(f"Tables: {out}")
    _say_faults(found.faults)
    if check is not None:
        check_deviations(drawn.tables, check)


def _print(drawn: Report, intervals: bool | None) -> None:
    """As wide as the terminal is; as Markdown where there is none."""
    from l4f_bench.reporting.terminal import print_report
    from l4f_bench.reporting.writers import markdown

    if stdout.is_terminal:
        print_report(drawn, stdout, intervals=intervals)
    else:
        for section in drawn.sections:
            stdout.print(markdown(section))


def _say_faults(faults: list[str]) -> None:
    """Warn of each, and end with an error: scripts must not take what is left for everything."""
    for fault in faults:
        warn(fault)
    if faults:
        raise InputError(
            f"The report lacks what could not be read: {len(faults)} files or folders. Mend or "
            "remove them."
        )


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("report", rich_help_panel=panel)(report)
