"""``train``: networks of every kind, by the name of their trainer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import say, stdout, warn
from l4f_bench.cli.following import long, training_followed
from l4f_bench.cli.names import completed

if TYPE_CHECKING:
    from l4f_bench.training.jobs import TrainRequest

RUN, HARDWARE = "The run", "Hardware and precision"


def train(
    method: Annotated[
        str,
        typer.Option(
            help="What to train. ours: an alpha network; pseg: the competitor; stylegan2: a "
            "generator; bisenet, unet: an annotator, on exact masks; ours-bisenet, ours-unet: a "
            "student of ours; psp: an encoder of photographs.",
            autocompletion=completed("trainers"),
        ),
    ] = "ours",
    dataset: Annotated[
        str,
        typer.Option(
            help="Data set of the preset. shapes is drawn; others need --data.",
            autocompletion=completed("datasets"),
        ),
    ] = "shapes",
    data: Annotated[
        Path | None,
        typer.Option(
            help="ours, stylegan2, pseg: folder or LMDB of images to train on; psp: photographs "
            "beside the generator's samples."
        ),
    ] = None,
    generator: Annotated[
        Path | None,
        typer.Option(
            help="ours, ours-bisenet, ours-unet, psp: checkpoint of the generator.",
            show_default="embedded, or the cached one",
        ),
    ] = None,
    alpha: Annotated[
        Path | None,
        typer.Option(
            help="ours-bisenet, ours-unet: alpha network to learn from.",
            show_default="embedded for shapes",
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="ours-bisenet, ours-unet: folder of images/ and masks/ to learn from, as "
            "synthesize writes it.",
            show_default="samples of the generator",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings to start from: shapes or debug; for bisenet and unet also full, as "
            "large as published; for ours on ffhq, cat, horse or car: paper, released or "
            "single-gpu; for pseg also paper.",
            show_default="shapes, full or paper",
            autocompletion=completed("presets"),
        ),
    ] = None,
    background_latent: Annotated[
        str | None,
        typer.Option(
            help="ours: latent of the background. independent: one of its own, as in the paper; "
            "shared: the foreground's, as in the released code.",
            show_default="the preset's",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        typer.Option(
            help="ours: resolutions that the alpha network reads, or auto: as `analyze layers` "
            "recommends for the generator.",
            show_default="the preset's",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE: changes a setting of the preset; repeatable."),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            help="Steps in all, those before a --resume included.", show_default="the preset's"
        ),
    ] = None,
    resolution: Annotated[
        int | None,
        typer.Option(
            help="Side of the images in pixels; with ours: required if the generator's size is "
            "not the data set's.",
            show_default="the preset's",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the run.",
            show_default="runs/train-<method>-<dataset>",
            rich_help_panel=RUN,
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of everything random.", show_default="0")
    ] = None,
    every: Annotated[int, typer.Option(help="Steps between checkpoints and sample grids.")] = 250,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse a folder with unreadable images."),
    ] = False,
    device: Annotated[
        str | None,
        typer.Option(
            help="cpu, cuda, …", show_default="cuda if there is one", rich_help_panel=HARDWARE
        ),
    ] = None,
    bf16: Annotated[
        bool,
        typer.Option(
            "--bf16",
            help="Compute in bfloat16; not for published numbers.",
            rich_help_panel=HARDWARE,
        ),
    ] = False,
    tf32: Annotated[
        bool,
        typer.Option(
            "--tf32",
            help="Let a GPU round products to TF32; not for published numbers.",
            rich_help_panel=HARDWARE,
        ),
    ] = False,
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile",
            help="ours, stylegan2: compile the generator (torch.compile).",
            rich_help_panel=HARDWARE,
        ),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option("--tensorboard", help="Also log to <out>/tensorboard.", rich_help_panel=RUN),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue a stopped run in this folder.", rich_help_panel=RUN
        ),
    ] = False,
) -> None:
    """Train an alpha network, a generator, an annotator, a student, an encoder or PSeg.

    Without options: the alpha network of the embedded shapes world. Ctrl-C and SIGTERM save the
    state first; --resume then ends with the same weights as an unbroken run. A run whose masks
    collapse is stopped with advice. On several GPUs or machines:
    torchrun --nproc-per-node 4 -m l4f_bench train …

    Example: l4f-bench train --dataset car --data cars/ --preset released --out runs/car
    """
    from l4f_bench.training.jobs import TrainRequest

    chosen = [
        *(settings or []),
        *([] if seed is None else [f"seed={seed}"]),
        *([] if background_latent is None else [f"background_latent={background_latent}"]),
    ]
    request = TrainRequest(
        method=method, dataset=dataset, preset=preset, settings=tuple(chosen), num_steps=steps,
        data=data, generator=generator, alpha=alpha, pairs=pairs, resolution=resolution,
        strict=strict, levels=levels, device=device, bf16=bf16, tf32=tf32, compile=compiled,
    )  # fmt: skip
    folder = out or Path("runs") / f"train-{method}-{dataset}"
    _run(request, folder, every=every, tensorboard=tensorboard, resume=resume)


def _run(
    request: TrainRequest, folder: Path, *, every: int, tensorboard: bool, resume: bool
) -> None:
    from l4f_bench.distributed import processes
    from l4f_bench.runs import check_writable
    from l4f_bench.training.jobs import build_job
    from l4f_bench.training.loop import LoopConfig, StoppedError, train

    check_writable(folder)
    with processes(request.device):
        job = build_job(request, warn)
        loop = LoopConfig(
            num_steps=job.num_steps,
            checkpoint_every=every,
            grid_every=every,
            tensorboard=tensorboard,
        )
        try:
            with training_followed("Training") as watch:
                files = train(
                    job.trainer, folder, loop, job.identity, resume=resume, watch=watch, warn=warn
                )
        except StoppedError as stopped:
            say(f"Stopped after step {stopped.step}; its state is saved. Continue with --resume.")
            raise typer.Exit(128 + stopped.signal_number) from None
    for path in files:
        stdout.print(str(path))


def register(app: typer.Typer, panel: str) -> None:
    """Add this command to a panel of the application's help."""
    app.command("train", rich_help_panel=panel)(long(train))
