"""Options that several commands share."""

from __future__ import annotations

import inspect
from dataclasses import Field
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import typer

from l4f_bench.cli.names import completed
from l4f_bench.precision import HELP

PROTOCOL_HELP = (
    "Scoring convention. l4f: the paper's (one confusion matrix, both classes averaged); voynov, "
    "selfmask: per-image foreground scores and max F-beta; drc: pooled foreground, per-image "
    "IoU and Dice beside it."
)
_COMPLETED = {
    "method": "methods",
    "segmenter": "methods",
    "dataset": "datasets",
    "annotator": "annotators",
    "protocol": "protocols",
}
"""Fields of settings whose values are names."""
_PANELS = {
    "Which images": (
        *("dataset", "data", "images", "name", "split", "subset", "limit", "shard", "strict"),
        *("samples", "max_drawn", "latents", "num_images"),
    ),
    "Which method": (
        *("method", "weights", "generator", "alpha", "masks", "level", "segmenter"),
        *("segmenter_weights", "screen_weights", "truncation", "threshold"),
    ),
    "Which truth": (
        *("truth", "mask_parts", "annotator", "annotator_weights", "min_score", "min_area"),
        "foreground",
    ),
    "Which protocol": (
        *("protocol", "features", "features_weights", "resize", "divisor", "allow_small_n"),
    ),
    "Which edits": (
        *("edit", "sequence", "meaning", "flow", "attributes", "fill", "margin", "by", "layers"),
        *("components", "scores", "chosen", "positive", "negative", "encoder"),
    ),
}
"""Panels of the help with the fields of settings that stand in them."""
_PANEL_OF = {name: panel for panel, names in _PANELS.items() for name in names}
LEVEL_HELP = "Grey level (1 to 255) from which a pixel is foreground."


Protocol = Annotated[str, typer.Option(help=PROTOCOL_HELP, autocompletion=completed("protocols"))]
Level = Annotated[int, typer.Option(help=LEVEL_HELP)]
Workers = Annotated[
    int | None, typer.Option(help="Threads that decode and count.", show_default="CPU cores")
]
Limit = Annotated[int | None, typer.Option(help="Use only the first N pairs.", show_default="all")]
Seed = Annotated[int, typer.Option(help="Seed of the bootstrap intervals.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
Resize = Annotated[
    str,
    typer.Option(
        help="How images are resized to the FID network's input. bilinear: as pytorch-fid; "
        "bicubic-antialias: as clean-fid; none."
    ),
]
Divisor = Annotated[
    str, typer.Option(help="Divisor of the covariances. n-1: as pytorch-fid; n: as stylegan2-ada.")
]
Device = Annotated[
    str | None, typer.Option(help="cpu, cuda, …", show_default="cuda if there is one")
]

Precision = Annotated[str, typer.Option(help=f"{HELP}.")]
SampledDataset = Annotated[
    str,
    typer.Option(
        help="shapes, ffhq, cat, horse or car: gives the defaults of the other options.",
        autocompletion=completed("datasets"),
    ),
]
GeneratorFile = Annotated[
    Path | None,
    typer.Option(help="Checkpoint of the generator.", show_default="embedded, or the cached one"),
]
AlphaFile = Annotated[
    Path | None,
    typer.Option(help="ours: checkpoint of the alpha network.", show_default="embedded for shapes"),
]
Truncation = Annotated[float, typer.Option(help="psi, 0 to 1, of the foreground.")]
SetSeed = Annotated[int, typer.Option(help="Seed of the set.")]
AlphaThreshold = Annotated[
    float | None,
    typer.Option(help="Alpha above which the mask is foreground.", show_default="0.9"),
]
BatchSize = Annotated[str, typer.Option(help="Samples at a time, or auto: what fits the device.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue a stopped run in this folder.")]


def given_option(context: typer.Context, name: str) -> str | None:
    """What a parameter is called on the command line, if it was given there."""
    source = context.get_parameter_source(name)
    if source is None or source.name != "COMMANDLINE":
        return None
    return max(next(p.opts for p in context.command.params if p.name == name), key=len)


def field_parameter(item: Field[Any], hint: Any) -> inspect.Parameter:
    """A field as a parameter of a command."""
    said = item.metadata["option"]
    default = item.default
    if get_origin(hint) is tuple:
        hint, default = list[get_args(hint)[0]] | None, None  # type: ignore[misc]
    usual = said.usual or (None if isinstance(default, bool) else default)
    option = typer.Option(
        *(said.names or (f"--{item.name.replace('_', '-')}",)),
        help=said.help if usual is None else f"{said.help} ({usual})",
        show_default=False,  # it stands in the help, where it takes no line of its own
        parser=said.parse,
        rich_help_panel=_PANEL_OF.get(item.name),
        autocompletion=completed(_COMPLETED[item.name]) if item.name in _COMPLETED else None,
    )
    return inspect.Parameter(
        item.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[hint, option],
    )
