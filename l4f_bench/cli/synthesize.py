"""The command synthesize."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l4f_bench.cli.console import say, stdout
from l4f_bench.cli.following import followed, long
from l4f_bench.cli.names import completed
from l4f_bench.cli.options import (
    AlphaFile,
    AlphaThreshold,
    BatchSize,
    Device,
    GeneratorFile,
    Precision,
    Resume,
    SampledDataset,
    SetSeed,
    Truncation,
)
from l4f_bench.evaluation.options import whole_or_auto


def synthesize(
    method: Annotated[
        str,
        typer.Option(
            help="ours, pseg, or a method file: what makes the pairs.",
            autocompletion=completed("methods"),
        ),
    ] = "ours",
    dataset: SampledDataset = "shapes",
    generator: GeneratorFile = None,
    alpha: AlphaFile = None,
    out: Annotated[Path, typer.Option(help="Folder for the pairs.")] = Path("pairs"),
    num_images: Annotated[int, typer.Option("-n", help="Number of pairs.")] = 1000,
    images: Annotated[
        str,
        typer.Option(
            help="original: images as the generator paints them; composite: their foregrounds on "
            "other backgrounds, which takes longer."
        ),
    ] = "original",
    store: Annotated[
        str,
        typer.Option(
            "--format",
            help="folder: PNGs, which train --pairs reads; webdataset: these in tar files of 1000 "
            "pairs; coco: a folder with annotations.json.",
        ),
    ] = "folder",
    truncation: Truncation = 1.0,
    seed: SetSeed = 0,
    threshold: AlphaThreshold = None,
    batch_size: BatchSize = "auto",
    device: Device = None,
    precision: Precision = "float32",
    resume: Resume = False,
) -> None:
    """Make pairs of images and masks, soft and hard, for other networks to learn from.

    Pair i depends on the seed and i alone, as in sample: runs can be stopped, resumed, extended,
    and shared by the processes of torchrun.

    Example: l4f-bench synthesize --dataset ffhq --alpha ffhq.pt -n 10000 --out pairs

    Example: l4f-bench synthesize --images composite --format coco -n 50 --out coco
    """
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.distributed import processes
    from l4f_bench.evaluation.sample_config import PairsConfig, SampleConfig
    from l4f_bench.evaluation.sample_folder import sample_into

    config = SampleConfig(
        dataset=dataset, method=method, generator=generator, alpha=alpha, num_images=num_images,
        truncation=truncation, seed=seed, precision=precision,
        pairs=PairsConfig(images=images, format=store),
        threshold=DATASETS.get(dataset).threshold if threshold is None else threshold,
    )  # fmt: skip
    size = whole_or_auto(batch_size)
    with processes(device), followed("Synthesizing") as progress:
        sample_into(out, config, resume=resume, batch_size=size, device=device, progress=progress)
    say(f"{config.num_images} pairs are in {out}")
    stdout.print(str(out))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("synthesize", rich_help_panel=panel)(long(synthesize))
