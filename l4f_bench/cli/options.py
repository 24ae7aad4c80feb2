"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

PROTOCOL_HELP = (
    "Scoring convention. l4f: the paper's (one confusion matrix, both classes averaged); voynov, "
    "selfmask: per-image foreground scores and max F-beta; drc: pooled foreground, per-image "
    "IoU and Dice beside it."
)
LEVEL_HELP = "Grey level (0 to 255) from which a pixel is foreground."


Protocol = Annotated[str, typer.Option(help=PROTOCOL_HELP)]
Level = Annotated[int, typer.Option(help=LEVEL_HELP)]
Workers = Annotated[
    int | None, typer.Option(help="Threads that decode and count.", show_default="CPU cores")
]
Limit = Annotated[int | None, typer.Option(help="Use the first pairs only.", show_default="all")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
