"""``curves``: how trainings went."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import stdout


def curves(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders of training runs, or the log.jsonl in them.")
    ],
    out: Annotated[Path, typer.Option(help="The PNG to write.")] = Path("curves.png"),
) -> None:
    """Draw the losses and other figures of training runs, several in one plot.

    Example: l4f-bench curves runs/train-ours-shapes --out curves.png
    """
    from l4f_bench.reporting.curves import write_curves

    write_curves(runs, out)
    stdout.print(str(out))


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("curves", rich_help_panel=panel)(curves)
