"""The command convert: a checkpoint of any format to safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.inspect import show
from l4f_bench.cli.options import AsJson


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A checkpoint of any format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="File to write.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert a checkpoint to safetensors, with a JSON description beside it.

    Example: l4f-bench convert stylegan2-car.pkl car.safetensors
    """
    from l4f_bench.generators.checkpoints.convert import convert_checkpoint

    description = convert_checkpoint(source, target, overwrite=force)
    show(description, as_json=as_json)


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("convert", rich_help_panel=panel)(convert)
