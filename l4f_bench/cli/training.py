"""Commands that train networks and show how it went: train, curves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import stderr, stdout, training_bar, warn

if TYPE_CHECKING:
    from l4f_bench.training.jobs import Job
    from l4f_bench.training.loop import LoopConfig


def train(
    method: Annotated[
        str,
        typer.Option(
            help="What to train. ours: an alpha network; pseg: the competitor; stylegan2: a "
            "generator; bisenet: an annotator, on exact masks; ours-bisenet: a student of ours."
        ),
    ] = "ours",
    dataset: Annotated[
        str, typer.Option(help="Data set of the preset; shapes is drawn, others need --data.")
    ] = "shapes",
    data: Annotated[
        Path | None,
        typer.Option(help="ours, stylegan2, pseg: folder or LMDB of images to train on."),
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="ours, ours-bisenet: checkpoint of the generator.",
            show_default="embedded, or the cached one",
        ),
    ] = None,
    alpha: Annotated[
        Path | None,
        typer.Option(
            help="ours-bisenet: alpha network to learn from.", show_default="embedded for shapes"
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings to start from: shapes, debug; ours on ffhq, cat, horse, car: paper, "
            "released, single-gpu.",
            show_default="shapes, or paper",
        ),
    ] = None,
    background_latent: Annotated[
        str | None,
        typer.Option(
            help="ours: latent of the background. independent: its own, as in the paper; shared: "
            "the foreground's, as in the released code.",
            show_default="the preset's",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: a setting of the preset; may be repeated."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps in all.", show_default="the preset's")
    ] = None,
    resolution: Annotated[
        int | None,
        typer.Option(
            help="Side of the images; with ours, of a generator that is not the data set's usual.",
            show_default="the preset's",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run.", show_default="runs/train-<method>-<dataset>"),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random.", show_default="0")
    ] = None,
    every: Annotated[int, typer.Option(help="Steps between checkpoints and sample grids.")] = 250,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a folder with unreadable images.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, …", show_default="cuda if there is one")
    ] = None,
    bf16: Annotated[
        bool, typer.Option("--bf16", help="Compute in bfloat16; not for numbers to publish.")
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="ours, stylegan2: the generator by torch.compile.")
    ] = False,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also log to <out>/tensorboard.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a stopped run left this folder.")
    ] = False,
) -> None:
    """Train the alpha network of Labels4Free, or the StyleGAN2 below it, or an annotator.

    Without options: the alpha network of the embedded shapes world. Ctrl-C and SIGTERM save
    first; --resume goes on with the same weights as an unbroken run. A run whose masks collapse
    is stopped with advice. On several GPUs or machines:
    torchrun --nproc-per-node 4 -m l4f_bench train …

    Example: l4f-bench train --dataset car --data cars/ --preset released --out runs/car
    """
    from l4f_bench.distributed import processes
    from l4f_bench.training.jobs import TrainRequest, build_job
    from l4f_bench.training.loop import LoopConfig

    chosen = list(settings or [])
    if seed is not None:
        chosen.append(f"seed={seed}")
    if background_latent is not None:
        chosen.append(f"background_latent={background_latent}")
    request = TrainRequest(
        method=method,
        dataset=dataset,
        preset=preset,
        settings=tuple(chosen),
        num_steps=steps,
        data=data,
        generator=generator,
        alpha=alpha,
        resolution=resolution,
        strict=strict,
        device=device,
        bf16=bf16,
        compiled=compiled,
    )
    with processes(device):
        job = build_job(request, warn)
        loop = LoopConfig(
            num_steps=job.num_steps,
            checkpoint_every=every,
            grid_every=every,
            tensorboard=tensorboard,
        )
        _run(job, loop, out or Path("runs") / f"train-{method}-{dataset}", resume=resume)


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


def _run(job: Job, loop: LoopConfig, out: Path, *, resume: bool) -> None:
    from l4f_bench.training.loop import StoppedError, train

    try:
        with training_bar("Training") as watch:
            files = train(
                job.trainer, out, loop, job.identity, resume=resume, watch=watch, warn=warn
            )
    except StoppedError as stopped:
        stderr.print(
            f"Stopped after step {stopped.step}; saved. Go on with --resume.",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(128 + stopped.signal_number) from None
    for path in files:
        stdout.print(str(path))


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    app.command("train")(train)
    app.command("curves")(curves)
