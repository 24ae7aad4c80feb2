"""The command inspect: what a checkpoint holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from l4f_bench.cli.console import stdout
from l4f_bench.cli.options import AsJson


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint of any format.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a checkpoint holds, without loading its tensors.

    Example: l4f-bench inspect stylegan2-car.pkl
    """
    from l4f_bench.generators.checkpoints.convert import inspect_checkpoint

    show(inspect_checkpoint(file), as_json=as_json)


def show(description: dict[str, Any], *, as_json: bool) -> None:
    """Print what a checkpoint holds."""
    from l4f_bench.generators.checkpoints.description import lines

    text = json.dumps(description, indent=2) if as_json else "\n".join(lines(description))
    stdout.print(text, markup=False)


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("inspect", rich_help_panel=panel)(inspect)
