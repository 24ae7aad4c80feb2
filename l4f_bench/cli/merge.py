"""The command merge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.options import AsJson


def merge(
    pieces: Annotated[
        list[Path], typer.Argument(help="Folders of pieces, or folders that hold them.")
    ],
    out: Annotated[Path, typer.Option(help="Folder for the record.")] = Path("merged"),
    as_json: AsJson = False,
) -> None:
    """Make one record of the pieces that --shard scored, on any number of machines.

    Counts add up, so the record is that of one run over all images. Images that are missing or
    in several pieces are refused by their names.

    Example: l4f-bench score p/ t/ --shard 1/2 --out a; l4f-bench score p/ t/ --shard 2/2 --out b;
    l4f-bench merge a b --out all
    """
    from l4f_bench.evaluation.pieces import merge_pieces
    from l4f_bench.evaluation.records import RECORD_FILE
    from l4f_bench.reporting.lines import record_lines
    from l4f_bench.runs import check_file

    check_file(out / RECORD_FILE)
    record = merge_pieces(pieces)
    for message in record.warnings:
        warn(message)
    record.save(out / RECORD_FILE)
    say(f"Record: {out / RECORD_FILE}")
    stdout.print(json.dumps({"records": [record.to_json()]}) if as_json else record_lines(record))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("merge", rich_help_panel=panel)(merge)
