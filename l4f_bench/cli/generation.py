"""Commands that make images: sample."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import progress_bar, stderr, stdout
from l4f_bench.cli.options import Device, batch_size_of

if TYPE_CHECKING:
    from l4f_bench.config import SampleConfig


def sample(
    method: Annotated[str, typer.Option(help="ours, or pseg.")] = "ours",
    dataset: Annotated[
        str, typer.Option(help="shapes, ffhq, cat, horse or car: gives the defaults below.")
    ] = "shapes",
    generator: Annotated[
        Path | None,
        typer.Option(
            help="Checkpoint of the generator.",
            show_default="embedded, or the cached one",
        ),
    ] = None,
    alpha: Annotated[
        Path | None,
        typer.Option(
            help="ours: checkpoint of the alpha network.",
            show_default="embedded for shapes",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the samples.")] = Path("samples"),
    num_images: Annotated[int, typer.Option("-n", help="Number of samples.")] = 100,
    truncation: Annotated[float, typer.Option(help="psi, 0 to 1, of the foreground.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of the set.")] = 0,
    threshold: Annotated[
        float | None,
        typer.Option(help="Alpha above which the mask is foreground.", show_default="0.9"),
    ] = None,
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
    batch_size: Annotated[
        str, typer.Option(help="Samples at a time, or auto: what fits the device.")
    ] = "auto",
    device: Device = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a stopped run left this folder.")
    ] = False,
) -> None:
    """Sample images with masks, backgrounds and composites.

    Sample i depends on the seed and i alone, so runs can be stopped, resumed, extended, and
    shared by the processes of torchrun.

    Example: l4f-bench sample --dataset car --generator stylegan2-car.pkl --alpha car.pt -n 100
    --truncation 0.5 --out samples

    Example: l4f-bench sample --method pseg -n 20 --out pseg-samples
    """
    from l4f_bench.config import SampleConfig
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.distributed import processes
    from l4f_bench.methods.loading import OURS

    spec = DATASETS.get(dataset)
    config = SampleConfig(
        dataset=spec.name,
        method=method,
        generator=generator,
        alpha=alpha,
        num_images=num_images,
        truncation=truncation,
        seed=seed,
        threshold=spec.threshold if threshold is None else threshold,
        background=background or (spec.background if method == OURS else None),
        alpha16=alpha16,
    )
    with processes(device):
        _sample(config, out, resume=resume, batch_size=batch_size_of(batch_size), device=device)


def _sample(
    config: SampleConfig, out: Path, *, resume: bool, batch_size: int | None, device: str | None
) -> None:
    from l4f_bench.evaluation.sample_folder import identity_of, sample_folder
    from l4f_bench.methods.labels4free.loading import samples_per_batch
    from l4f_bench.methods.loading import load_generative

    method, digests = load_generative(
        config.method,
        config.dataset,
        generator=config.generator,
        alpha=config.alpha,
        background=config.background,
        device=device,
    )
    with progress_bar("Sampling") as progress:
        sample_folder(
            method,
            out,
            config,
            identity_of(config, digests),
            resume=resume,
            batch_size=samples_per_batch(method, batch_size),
            progress=progress,
        )
    stderr.print(f"{config.num_images} samples are in {out}", markup=False, soft_wrap=True)
    stdout.print(str(out))


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("sample")(sample)
