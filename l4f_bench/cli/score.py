"""The command score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.options import AsJson, Level, Limit, Protocol, Seed, Workers
from l4f_bench.errors import InputError

if TYPE_CHECKING:
    from l4f_bench.evaluation.scoring import MaskFolders


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
        typer.Option("--ignore-bars", help="Leave out image rows that are black (letterbox)."),
    ] = False,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images, for --ignore-bars.")
    ] = None,
    ignore_level: Annotated[
        int | None,
        typer.Option(help="Leave out pixels where the true mask has this level (rims, voids)."),
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the method, for --out.")] = "masks",
    dataset: Annotated[
        str, typer.Option(help="Data set that the masks are of, for --out.")
    ] = "masks",
    out: Annotated[
        Path | None, typer.Option(help="Also write a record, for report, to this folder.")
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(help="Score only this part, such as 3/16; l4f-bench merge joins them."),
    ] = None,
    per_image: Annotated[
        Path | None, typer.Option(help="Write each image's counts and scores to this CSV.")
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Score nothing if files of the folders are passed over."),
    ] = False,
    workers: Workers = None,
    limit: Limit = None,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Score a folder of masks against a folder of true masks.

    Masks may be PNG, JPEG, TIFF and so on, of any mode; white (from --level up) is the object.
    Files pair by equal names below their folders, else by numbers that are one constant apart.

    Example: l4f-bench score predictions/ truth/ --protocol voynov --per-image scores.csv

    Example: l4f-bench score predictions/ truth/ --name ISNet --dataset horse --out runs/isnet
    """
    from l4f_bench.evaluation.scoring import MaskFolders
    from l4f_bench.evaluation.shards import parse_shard

    if shard is not None and out is None:
        raise InputError("--shard needs --out DIR, where merge finds the part.")
    setting = MaskFolders(
        preds=pred_dir,
        target=truth_dir,
        method=name,
        dataset=dataset,
        protocol=protocol,
        level=level,
        invert=invert,
        ignore_bars=ignore_bars,
        images=images,
        ignore_level=ignore_level,
        workers=workers,
        limit=limit,
        shard=None if shard is None else parse_shard(shard),
        seed=seed,
        strict=strict,
    )
    _score(setting, out, per_image, as_json=as_json)


def _score(
    setting: MaskFolders, out: Path | None, per_image: Path | None, *, as_json: bool
) -> None:
    from l4f_bench.distributed import is_first, processes
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.evaluation.scoring import per_image_csv
    from l4f_bench.metrics.protocols import PROTOCOLS
    from l4f_bench.reporting.lines import score_lines, scores_json
    from l4f_bench.runs import check_file, write_text

    for path in (per_image, None if out is None else out / RECORD_FILE):
        if path is not None:
            check_file(path)
    with processes("cpu"), followed("Scoring") as progress:
        outcome = setting.run(progress)
        first = is_first()
    for message in outcome.record.warnings:
        warn(message)
    if first and per_image is not None and outcome.counts is not None:
        write_text(per_image, per_image_csv(outcome.counts, PROTOCOLS.get(setting.protocol)))
    if first and out is not None:
        outcome.save(out)
        say(f"Record: {out / RECORD_FILE}")
    record = outcome.record
    stdout.print(json.dumps(scores_json(record)) if as_json else score_lines(record))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("score", rich_help_panel=panel)(long(score))
