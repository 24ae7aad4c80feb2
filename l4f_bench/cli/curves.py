"""``curves``: how a training went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import stdout


def curves(
    log: Annotated[Path, typer.Argument(help="The log.jsonl of a training run.")],
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("curves.png"),
) -> None:
    """Draw the losses and other figures of a training run.

    Example: l4f-bench curves runs/train-ours-shapes/log.jsonl --out curves.png
    """
    from l4f_bench.reporting.curves import write_curves

    write_curves(log, out)
    stdout.print(str(out))


def register(app: typer.Typer) -> None:
    """Add this command to the application."""
    app.command("curves")(curves)
