"""Commands that train networks: train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from l4f_bench.cli.console import stderr, stdout, training_bar, warn

if TYPE_CHECKING:
    from l4f_bench.training.gan_config import GanConfig
    from l4f_bench.training.loop import LoopConfig


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    method: Annotated[str, typer.Option(help="What to train: stylegan2.")] = "stylegan2",
    dataset: Annotated[str, typer.Option(help="Built-in images: shapes.")] = "shapes",
    data: Annotated[
        Path | None, typer.Option(help="Folder of images to train on instead of --dataset.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Settings to start from: shapes or debug.")] = (
        "shapes"
    ),
    steps: Annotated[
        int | None, typer.Option(help="Steps in all.", show_default="the preset's")
    ] = None,
    resolution: Annotated[
        int | None, typer.Option(help="Side of the images.", show_default="the preset's")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Images a step.", show_default="the preset's")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Learning rate.", show_default="the preset's")
    ] = None,
    r1: Annotated[
        float | None, typer.Option(help="Weight of R1.", show_default="the preset's")
    ] = None,
    path_length: Annotated[
        float | None,
        typer.Option(help="Weight of the path length penalty.", show_default="the preset's"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    every: Annotated[int, typer.Option(help="Steps between checkpoints and sample grids.")] = 250,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a folder with unreadable images.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, …", show_default="cuda if there is one")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a stopped run left this folder.")
    ] = False,
) -> None:
    """Train a StyleGAN2 on the shapes world or on a folder of images.

    Ctrl-C and SIGTERM save first; --resume goes on with the same weights as an unbroken run.

    Example: l4f-bench train --method stylegan2 --preset shapes --out runs/shapes
    """
    from dataclasses import replace

    from l4f_bench.training.gan_config import NUM_STEPS, at_resolution
    from l4f_bench.training.gan_config import preset as preset_of
    from l4f_bench.training.loop import LoopConfig

    _check_choices(method, dataset)
    config = preset_of(preset)
    if resolution is not None:
        config = at_resolution(config, resolution)
    chosen = {"batch_size": batch_size, "lr": lr, "r1": r1, "path_length": path_length}
    given = {key: value for key, value in chosen.items() if value is not None}
    config = replace(config, seed=seed, **given)  # type: ignore[arg-type]
    loop = LoopConfig(
        num_steps=NUM_STEPS[preset] if steps is None else steps,
        checkpoint_every=every,
        grid_every=every,
    )
    _train(config, loop, data, out, strict=strict, device=device, resume=resume)


def _check_choices(method: str, dataset: str) -> None:
    from l4f_bench.errors import InputError
    from l4f_bench.registry import unknown_name

    for kind, name, known in (("method", method, "stylegan2"), ("dataset", dataset, "shapes")):
        if name != known:
            raise InputError(f"{unknown_name(kind, name, [known])} Use --data for a folder.")


def _train(
    config: GanConfig,
    loop: LoopConfig,
    data: Path | None,
    out: Path,
    *,
    strict: bool,
    device: str | None,
    resume: bool,
) -> None:
    from l4f_bench.methods.labels4free.loading import choose_device
    from l4f_bench.training.images import open_images
    from l4f_bench.training.loop import StoppedError, train
    from l4f_bench.training.stylegan2 import StyleGan2Trainer, identity_of

    place = choose_device(device)
    images = open_images(data, config.resolution, config.seed, strict=strict, warn=warn)
    trainer = StyleGan2Trainer(config, images, place)
    try:
        with training_bar("Training") as watch:
            files = train(
                trainer, out, loop, identity_of(trainer), resume=resume, watch=watch, warn=warn
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
