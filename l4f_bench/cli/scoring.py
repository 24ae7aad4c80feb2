"""Commands that score masks and draw tables: score, report, audit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import progress_bar, stderr, stdout, warn
from l4f_bench.cli.options import AsJson, Level, Limit, Protocol, Seed, Workers
from l4f_bench.errors import BenchError, InputError

if TYPE_CHECKING:
    from l4f_bench.reporting.tables import Cell, TableRow


def score(
    pred_dir: Annotated[Path, typer.Argument(help="Folder of predicted masks.")],
    truth_dir: Annotated[Path, typer.Argument(help="Folder of true masks.")],
    protocol: Protocol = "l4f",
    level: Level = 128,
    invert: Annotated[
        bool, typer.Option("--invert", help="Predictions are black on the object.")
    ] = False,
    ignore_bars: Annotated[
        bool,
        typer.Option("--ignore-bars", help="Leave out image rows that are pure black (letterbox)."),
    ] = False,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, for --ignore-bars.")
    ] = None,
    ignore_level: Annotated[
        int | None,
        typer.Option(help="Leave out pixels where the true mask has this level (rims, voids)."),
    ] = None,
    per_image: Annotated[
        Path | None, typer.Option(help="Write each image's counts and scores to this CSV.")
    ] = None,
    workers: Workers = None,
    limit: Limit = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score a folder of masks against a folder of true masks.

    Masks may be PNG, JPEG, TIFF and so on, of any mode; white (from --level up) is the object.
    Files pair by equal names below their folders, else by numbers that are one constant apart.

    Example: l4f-bench score predictions/ truth/ --protocol voynov --per-image scores.csv
    """
    from l4f_bench.config import CountConfig
    from l4f_bench.evaluation.scoring import per_image_csv, score_folders
    from l4f_bench.metrics.protocols import PROTOCOLS
    from l4f_bench.reporting.lines import score_lines, scores_json
    from l4f_bench.runs import write_text

    config = CountConfig(
        level=level,
        invert=invert,
        ignore_bars=ignore_bars,
        ignore_level=ignore_level,
        workers=workers,
        limit=limit,
    )
    with progress_bar("Scoring") as progress:
        result = score_folders(
            pred_dir,
            truth_dir,
            PROTOCOLS.get(protocol),
            config,
            images_dir=images,
            seed=seed,
            progress=progress,
        )
    for message in result.warnings:
        warn(message)
    if per_image is not None:
        write_text(per_image, per_image_csv(result))
    stdout.print(json.dumps(scores_json(result)) if as_json else score_lines(result))


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
    check: Annotated[
        float | None,
        typer.Option(
            help="Exit with 1 if a measured mask score differs from its published one by more.",
            show_default="no check",
        ),
    ] = None,
) -> None:
    """Draw tables from records: the paper's, published beside measured, and those of shapes.

    Example: l4f-bench report runs/ --format md,tex --out tables --check 0.005
    """
    from l4f_bench.evaluation.records import find_records, load_record
    from l4f_bench.registry import unknown_name
    from l4f_bench.reporting.report import build_report
    from l4f_bench.reporting.tables import deviations
    from l4f_bench.reporting.writers import WRITERS, markdown
    from l4f_bench.runs import write_text

    chosen = [name.strip() for name in formats.split(",")]
    for name in chosen:
        if name not in WRITERS:
            raise InputError(unknown_name("format", name, list(WRITERS)))
    loaded = [load_record(path) for path in find_records(records or [Path("runs")])]
    drawn = build_report(loaded, table)
    for section in drawn.sections:
        for name in chosen:
            write_text(out / f"{section.name}.{name}", WRITERS[name](section))
        stdout.print(markdown(section))
    stderr.print(f"Tables: {out}", markup=False, soft_wrap=True)
    if check is not None:
        _fail_on(deviations(drawn.tables, check), check)


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
    """Add these commands to the application."""
    app.command("score")(score)
    app.command("report")(report)
    app.command("audit")(audit)


def _fail_on(found: list[tuple[TableRow, Cell]], tolerance: float) -> None:
    """Raise if any cell lies outside the tolerance, naming each."""
    if found:
        cells = "; ".join(
            f"{row.title} {row.dataset_title} {cell.metric} "
            f"{cell.measured:.4f} against {cell.published:.2f}"
            for row, cell in found
        )
        raise BenchError(f"{len(found)} cells differ by more than {tolerance:g}: {cells}.")
