"""The command score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import progress_bar, stdout, warn
from l4f_bench.cli.options import AsJson, Level, Limit, Protocol, Seed, Workers


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
    Files pair by equal stem, else by natural order if the counts agree.

    Example: l4f-bench score predictions/ truth/ --protocol voynov --per-image scores.csv
    """
    from l4f_bench.evaluation.scoring import CountConfig, per_image_csv, score_folders
    from l4f_bench.metrics.protocols import PROTOCOLS
    from l4f_bench.reporting.lines import score_lines, scores_json
    from l4f_bench.runs import write_text

    config = CountConfig(
        level=level, invert=invert, ignore_bars=ignore_bars, workers=workers, limit=limit
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


def register(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("score")(score)
