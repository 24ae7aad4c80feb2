"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

import typer

from l4f_bench.errors import InputError

PROTOCOL_HELP = (
    "Scoring convention. l4f: the paper's (one confusion matrix, both classes averaged); voynov, "
    "selfmask: per-image foreground scores and max F-beta; drc: pooled foreground, per-image "
    "IoU and Dice beside it."
)
LEVEL_HELP = "Grey level (1 to 255) from which a pixel is foreground."


Protocol = Annotated[str, typer.Option(help=PROTOCOL_HELP)]
Level = Annotated[int, typer.Option(help=LEVEL_HELP)]
Workers = Annotated[
    int | None, typer.Option(help="Threads that decode and count.", show_default="CPU cores")
]
Limit = Annotated[int | None, typer.Option(help="Use the first pairs only.", show_default="all")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Resize = Annotated[
    str,
    typer.Option(
        help="Of images to the size of FID's network. bilinear: as pytorch-fid; "
        "bicubic-antialias: as clean-fid; none."
    ),
]
Divisor = Annotated[
    str, typer.Option(help="Of FID's covariances. n-1: as pytorch-fid; n: as stylegan2-ada.")
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, …", show_default="cuda if there is one")
]


def batch_size_of(text: str) -> int | None:
    """A number of images, or None for ``auto``.

    Raises:
        InputError: It is neither ``auto`` nor 1 or more.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--batch-size {text} is not possible. Give 1 or more, or auto.")
    return int(text)


def refuse_unused(
    context: typer.Context, choice: str, value: str, taken_by: Mapping[str, Collection[str]]
) -> None:
    """Raise if an option was given that the chosen value of another one does not use.

    Args:
        context: The command's call.
        choice: The other option, as ``--on``.
        value: Its value.
        taken_by: The values that use an option, by the option's name as a parameter.

    Raises:
        InputError: Such an option was given.
    """
    for name, values in taken_by.items():
        if value not in values and (option := given_option(context, name)):
            raise InputError(f"{option} applies only to {choice} {' or '.join(values)}.")


def given_option(context: typer.Context, name: str) -> str | None:
    """What a parameter is called on the command line, if it was given there."""
    source = context.get_parameter_source(name)
    if source is None or source.name != "COMMANDLINE":
        return None
    return max(next(p.opts for p in context.command.params if p.name == name), key=len)
