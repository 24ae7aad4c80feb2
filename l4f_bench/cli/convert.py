"""Commands for network files: convert and inspect."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from l4f_bench.cli.console import stdout
from l4f_bench.cli.options import AsJson


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("convert")(convert)
    app.command("inspect")(inspect)


def convert(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A checkpoint of any format.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="File to write.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Convert a checkpoint to safetensors, with a JSON description beside it."""
    from l4f_bench.generators.checkpoints.convert import convert_checkpoint

    description = convert_checkpoint(source, target, overwrite=force)
    _show(description, as_json=as_json)


def inspect(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A checkpoint of any format.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what a checkpoint holds, without loading its tensors."""
    from l4f_bench.generators.checkpoints.convert import inspect_checkpoint

    _show(inspect_checkpoint(file), as_json=as_json)


def _show(description: dict[str, Any], *, as_json: bool) -> None:
    from l4f_bench.generators.checkpoints.description import lines

    text = json.dumps(description, indent=2) if as_json else "\n".join(lines(description))
    stdout.print(text, markup=False)
