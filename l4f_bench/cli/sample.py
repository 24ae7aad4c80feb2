"""The command sample."""

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


def sample(
    method: Annotated[
        str, typer.Option(help="ours, or pseg.", autocompletion=completed("methods"))
    ] = "ours",
    dataset: SampledDataset = "shapes",
    generator: GeneratorFile = None,
    alpha: AlphaFile = None,
    out: Annotated[Path, typer.Option(help="Folder for the samples.")] = Path("samples"),
    num_images: Annotated[int, typer.Option("-n", help="Number of samples.")] = 100,
    truncation: Truncation = 1.0,
    seed: SetSeed = 0,
    threshold: AlphaThreshold = None,
    background: Annotated[
        str | None,
        typer.Option(
            help="ours: what the background generator zeroes, first-conv or constant.",
            show_default="as published for the data set",
        ),
    ] = None,
    alpha16: Annotated[
        bool, typer.Option("--alpha16", help="Also write alpha with 16 bits.")
    ] = False,
    batch_size: BatchSize = "auto",
    device: Device = None,
    precision: Precision = "float32",
    resume: Resume = False,
) -> None:
    """Sample images with masks, backgrounds and composites.

    Sample i depends on the seed and i alone, so runs can be stopped, resumed, extended, and
    shared by the processes of torchrun.

    Example: l4f-bench sample --dataset car --generator stylegan2-car.pkl --alpha car.pt -n 100
    --truncation 0.5 --out samples

    Example: l4f-bench sample --method pseg -n 20 --out pseg-samples
    """
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.distributed import processes
    from l4f_bench.evaluation.sample_config import SampleConfig
    from l4f_bench.evaluation.sample_folder import sample_into

    if threshold is None:
        threshold = DATASETS.get(dataset).threshold
    config = SampleConfig(
        dataset=dataset, method=method, generator=generator, alpha=alpha, num_images=num_images,
        truncation=truncation, seed=seed, threshold=threshold, background=background,
        alpha16=alpha16, precision=precision,
    )  # fmt: skip
    with processes(device), followed("Sampling") as progress:
        sample_into(
            out,
            config,
            resume=resume,
            batch_size=whole_or_auto(batch_size),
            device=device,
            progress=progress,
        )
    say(f"{config.num_images} samples are in {out}")
    stdout.print(str(out))


def register(app: typer.Typer, panel: str) -> None:
    """Add the command to a panel of the application's help."""
    app.command("sample", rich_help_panel=panel)(long(sample))
