"""The command analyze: why the method works on a generator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from l4f_bench.cli.console import say, stdout
from l4f_bench.cli.flowing import FlowingGroup
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import AsJson, Device, GeneratorFile

if TYPE_CHECKING:
    from l4f_bench.analysis.records import AnalysisRecord, Tiles

Dataset = Annotated[
    str,
    typer.Option(
        help="Data set whose generator is analysed.", autocompletion=completed("datasets")
    ),
]
Samples = Annotated[int, typer.Option(help="Images to look at, 2 or more.")]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Truncation = Annotated[float, typer.Option(help="psi of the samples, 0 to 1.")]
Out = Annotated[
    Path | None,
    typer.Option(
        help="Folder for record, plot and figure.", show_default="runs/analyze-<what>-<dataset>"
    ),
]


def layers(
    dataset: Dataset = "shapes",
    generator: GeneratorFile = None,
    samples: Samples = 50,
    draws: Annotated[int, typer.Option(help="Noises in place of each layer.")] = 5,
    fall: Annotated[
        float, typer.Option(help="Share by which SSIM falls at the first layer that is kept.")
    ] = 0.2,
    truncation: Truncation = 1.0,
    seed: Seed = 0,
    out: Out = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Measure how much samples change if one RGB layer paints noise (section 3.1).

    The rule of the paper says from which resolution on the alpha network should read; `train
    --levels auto` takes it. The processes of torchrun share the samples.

    Example: l4f-bench analyze layers --dataset car --generator stylegan2-car.pkl
    """
    from l4f_bench.analysis.config import LayersConfig
    from l4f_bench.analysis.layer_study import study_layers
    from l4f_bench.distributed import is_first, processes
    from l4f_bench.reporting.analyses import layers_lines
    from l4f_bench.reporting.analysis_plots import plot_layers

    config = LayersConfig(
        dataset=dataset, generator=generator, samples=samples, draws=draws, fall=fall,
        truncation=truncation, seed=seed, device=device,
    )  # fmt: skip
    folder = _folder(out, "layers", dataset)
    with processes(device):
        with followed("Samples") as progress:
            record, tiles = study_layers(config, progress)
        if is_first():
            _write(record, tiles, folder, plot_layers)
    stdout.print(json.dumps(record.to_json()) if as_json else layers_lines(record))


def background(
    dataset: Dataset = "shapes",
    generator: GeneratorFile = None,
    samples: Samples = 20,
    crop: Annotated[
        float, typer.Option(help="Side of a background as a share of the image's, up to 0.5.")
    ] = 0.25,
    annotator: Annotated[
        str | None,
        typer.Option(
            help="What says where the background is.",
            show_default="crops along the edges",
            autocompletion=completed("annotators"),
        ),
    ] = None,
    annotator_weights: Annotated[Path | None, typer.Option(help="Its checkpoint.")] = None,
    threshold: Annotated[
        float,
        typer.Option(
            help="Curated backgrounds: channels from this share of the largest on are zeroed."
        ),
    ] = 0.5,
    truncation: Truncation = 1.0,
    seed: Seed = 0,
    out: Out = None,
    device: Device = None,
    as_json: AsJson = False,
) -> None:
    """Measure which layer would have to change to leave only the background (section 3.2).

    The same numbers of the generator with shuffled weights stand beside: what both share is the
    measure's.

    Example: l4f-bench analyze background --annotator bisenet
    """
    from l4f_bench.analysis.background_study import study_background
    from l4f_bench.analysis.config import BackgroundConfig
    from l4f_bench.distributed import is_first, processes
    from l4f_bench.reporting.analyses import background_lines
    from l4f_bench.reporting.analysis_plots import plot_background

    config = BackgroundConfig(
        dataset=dataset, generator=generator, samples=samples, crop=crop, annotator=annotator,
        annotator_weights=annotator_weights, threshold=threshold, truncation=truncation,
        seed=seed, device=device,
    )  # fmt: skip
    folder = _folder(out, "background", dataset)
    with processes(device):
        with followed("Samples") as progress:
            record, tiles = study_background(config, progress)
        if is_first():
            _write(record, tiles, folder, plot_background)
    stdout.print(json.dumps(record.to_json()) if as_json else background_lines(record))


def _folder(out: Path | None, what: str, dataset: str) -> Path:
    """Where results go; refused before any work if nothing can be written there."""
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.runs import check_writable

    folder = out or Path("runs") / f"analyze-{what}-{DATASETS.get(dataset).name}"
    check_writable(folder)
    return folder


def _write(record: AnalysisRecord, tiles: Tiles, folder: Path, plot: Any) -> None:
    """Write record and figure, and the plot where matplotlib is there."""
    from l4f_bench.analysis.records import RECORD_FILE
    from l4f_bench.errors import MissingDependencyError
    from l4f_bench.reporting.figures import write_tiles

    record.save(folder / RECORD_FILE)
    write_tiles(folder / "figure.png", tiles, f"{record.dataset_title}: samples by {record.kind}")
    try:
        plot(record, folder / "plot.png")
    except MissingDependencyError as error:
        say(f"No plot: {error}")
    say(f"Record: {folder / RECORD_FILE}")


def register(app: typer.Typer, panel: str) -> None:
    """Add the commands to a panel of the application's help."""
    commands = typer.Typer(
        cls=FlowingGroup,
        no_args_is_help=True,
        help="Analyse a generator: layers, background.",
    )
    commands.command("layers")(long(layers))
    commands.command("background")(long(background))
    app.add_typer(commands, name="analyze", rich_help_panel=panel)
