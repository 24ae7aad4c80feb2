"""Commands that train networks: train."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from l4f_bench.cli.console import stderr, stdout, training_bar, warn

if TYPE_CHECKING:
    from l4f_bench.training.loop import LoopConfig, Trainer

    Job = tuple[Trainer, dict[str, Any], int]
    """A trainer, what must be the same for a resumed run, and the steps of the preset."""


def train(
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    method: Annotated[
        str, typer.Option(help="What to train. stylegan2: a generator; ours: an alpha network.")
    ] = "stylegan2",
    dataset: Annotated[
        str, typer.Option(help="Data set of the preset; shapes is drawn, others need --data.")
    ] = "shapes",
    data: Annotated[Path | None, typer.Option(help="Folder or LMDB of images to train on.")] = None,
    generator: Annotated[
        Path | None, typer.Option(help="ours: checkpoint of the generator.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Settings to start from. stylegan2: shapes, debug. ours: paper, released, "
            "single-gpu for ffhq, cat, horse, car; shapes, debug for shapes.",
            show_default="shapes, or paper",
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
        int | None, typer.Option(help="stylegan2: side of the images.", show_default="the preset's")
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
    """Train a StyleGAN2, or the alpha network of Labels4Free on top of one.

    Ctrl-C and SIGTERM save first; --resume goes on with the same weights as an unbroken run. A
    run whose masks collapse is stopped with advice.

    Example: l4f-bench train --method ours --generator gan/generator.safetensors --set lr=0.002
    --out alpha
    """
    from l4f_bench.errors import InputError
    from l4f_bench.registry import unknown_name
    from l4f_bench.training.loop import LoopConfig

    if method not in ("stylegan2", "ours"):
        raise InputError(unknown_name("method", method, ["stylegan2", "ours"]))
    preset = preset or ("shapes" if dataset == "shapes" else "paper")
    chosen = [*(settings or []), f"seed={seed}"]
    if method == "ours":
        if resolution is not None:
            raise InputError("--resolution is the generator's with --method ours. Leave it out.")
        job = _labels4free(dataset, preset, chosen, data, generator, strict, device)
    else:
        job = _stylegan2(dataset, preset, chosen, data, resolution, strict, device)
    trainer, identity, num_steps = job
    loop = LoopConfig(
        num_steps=num_steps if steps is None else steps, checkpoint_every=every, grid_every=every
    )
    _run(trainer, identity, loop, out, resume=resume)


def _stylegan2(
    dataset: str,
    preset: str,
    settings: list[str],
    data: Path | None,
    resolution: int | None,
    strict: bool,
    device: str | None,
) -> Job:
    from l4f_bench.methods.labels4free.loading import choose_device
    from l4f_bench.training.gan_config import NUM_STEPS, at_resolution
    from l4f_bench.training.gan_config import preset as preset_of
    from l4f_bench.training.images import open_images
    from l4f_bench.training.settings import with_settings
    from l4f_bench.training.stylegan2 import StyleGan2Trainer, identity_of

    place = choose_device(device)
    config = preset_of(preset)
    if resolution is not None:
        config = at_resolution(config, resolution)
    config = with_settings(config, settings)
    _check_data(dataset, data)
    images = open_images(data, config.resolution, config.seed, strict=strict, warn=warn)
    trainer = StyleGan2Trainer(config, images, place)
    return trainer, identity_of(trainer), NUM_STEPS[preset]


def _labels4free(
    dataset: str,
    preset: str,
    settings: list[str],
    data: Path | None,
    generator: Path | None,
    strict: bool,
    device: str | None,
) -> Job:
    from l4f_bench.errors import MissingAssetError
    from l4f_bench.methods.labels4free.loading import choose_device
    from l4f_bench.training.images import open_images
    from l4f_bench.training.labels4free import Labels4FreeTrainer, identity_of, load_frozen
    from l4f_bench.training.labels4free_config import preset as preset_of
    from l4f_bench.training.settings import with_settings

    place = choose_device(device)
    config = with_settings(preset_of(dataset, preset), settings)
    _check_data(dataset, data)
    if generator is None:
        raise MissingAssetError(
            "Give the generator to train on with --generator FILE: a checkpoint of any format, "
            "or what `l4f-bench train --method stylegan2` wrote."
        )
    frozen = load_frozen(generator, with_discriminator=config.pretrained_discriminator)
    size = frozen.network.architecture.size
    images = open_images(data, size, config.seed, strict=strict, warn=warn)
    trainer = Labels4FreeTrainer(config, frozen, images, place)
    return trainer, identity_of(trainer), config.num_steps


def _check_data(dataset: str, data: Path | None) -> None:
    from l4f_bench.datasets.specs import DATASETS
    from l4f_bench.errors import MissingAssetError

    spec = DATASETS.get(dataset)
    if spec.name != "shapes" and data is None:
        raise MissingAssetError(
            f"The images of {spec.title} are not part of this package ({spec.source}). "
            "Give a folder of them with --data DIR."
        )


def _run(
    trainer: Trainer, identity: dict[str, Any], loop: LoopConfig, out: Path, *, resume: bool
) -> None:
    from l4f_bench.training.loop import StoppedError, train

    try:
        with training_bar("Training") as watch:
            files = train(trainer, out, loop, identity, resume=resume, watch=watch, warn=warn)
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
